import { isTopic, topology, type Service } from '@order-events/contracts';
import type { Commit } from '../store';
import type { Invariant, Sight } from './invariant';

/** Tables whose rows are an order each, by the name of their key. */
const ofOrders = new Set(['orders', 'reservations', 'payments', 'shipments', 'mails']);

/** No state without its cause in the same transaction, and no write lost under another. */
export function rows({ databases, report }: Sight): Invariant {
  const versions = new Map<string, number>();
  const owners = new Map<string, Service>();
  const history = new Set<string>();
  return {
    restored(service) {
      for (const name of versions.keys()) {
        const [table, key] = [name.slice(0, name.indexOf(' ')), name.slice(name.indexOf(' ') + 1)];
        if (owners.get(name) !== service) continue;
        const row = databases[service].database.table<{ version: number }>(table).get(key);
        versions.set(name, row?.version ?? 0);
      }
    },
    committed(commit) {
      const causes = causesOf(commit);
      for (const { table, key, row } of commit.rows) {
        const { version } = row as { version: number };
        if (table === 'order_history') {
          const line = `version ${version} of ${key}`;
          if (history.has(line)) report(`${line} is written twice`);
          history.add(line);
          continue;
        }
        const name = `${table} ${key}`;
        const before = versions.get(name) ?? 0;
        if (version <= before) report(`${name} goes from version ${before} to ${version}: a write is lost`);
        versions.set(name, version);
        owners.set(name, commit.service);
        if (ofOrders.has(table) && !causes.has(key)) report(`${name} is written without what led to it`);
      }
    },
  };
}

/** Orders that a commit took an event of into the inbox, closed an effect of, or decided itself as their owner. */
function causesOf({ taken, closed, events, service }: Commit): Set<string> {
  const own = ['order.created', 'order.recalled', 'order.cancelled'];
  return new Set([
    ...taken.filter(({ state }) => state === 'applied').map(({ key }) => key),
    ...closed.map(({ key }) => key),
    ...events
      .filter(({ topic }) => own.includes(topic) && isTopic(topic) && topology[topic].publisher === service)
      .map(({ key }) => key),
  ]);
}
