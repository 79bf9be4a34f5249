import { holdersOf, isTopic, services, type Topic } from '@order-events/contracts';
import type { Ask } from './databases';
import type { Case } from './case';
import type { Finding, Invariant } from './invariant';

/** A UUIDv7. Programs of other teams give their orders any ids. */
const TELLS_TIME = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

/** The database of a service, which is also the name of its role. */
const databaseOf = (service: string) => service.replace('-', '_');

export const eventInvariants: readonly Invariant[] = [
  { name: 'every event has come to each group that wants it', check: checkArrival },
  { name: 'every order was announced once, and its end once', check: checkAnnouncements },
  { name: 'no service has told the same of an order twice', check: checkRepeats },
  { name: 'no event is a dead letter, waits for another try, or came too late', check: checkFailures },
  { name: 'no call to the outside is left open', check: checkEffects },
  { name: 'no state without the event that made it', check: checkOrigins },
];

interface OutboxRow {
  id: string;
  topic: Topic;
  key: string;
}
/** What a service has told of orders. What an operator has brought back stands there twice, and is one event. */
const outboxOf = async (ask: Ask, service: string) => {
  const rows = await ask<OutboxRow>(databaseOf(service), 'SELECT id, topic, key FROM outbox');
  return [...new Map(rows.map((row) => [row.id, row])).values()].filter(({ topic }) => isTopic(topic));
};

async function checkArrival(_cases: readonly Case[], ask: Ask): Promise<Finding> {
  const inboxes = new Map<string, Set<string>>();
  for (const group of services) {
    const rows = await ask<{ id: string }>(databaseOf(group), `SELECT id FROM inbox WHERE consumer_group = '${group}'`);
    inboxes.set(group, new Set(rows.map(({ id }) => id)));
  }
  let count = 0;
  const violations: string[] = [];
  for (const publisher of services) {
    for (const { id, topic, key } of await outboxOf(ask, publisher)) {
      for (const group of holdersOf(topic)) {
        count += 1;
        if (!inboxes.get(group)?.has(id)) violations.push(`${key} ${topic} ${id} has not come to ${group}`);
      }
    }
  }
  return { count, violations };
}

async function checkAnnouncements(cases: readonly Case[], ask: Ask): Promise<Finding> {
  const told = new Map<string, string[]>();
  const outbox = await outboxOf(ask, 'order-api');
  for (const { topic, key } of outbox) told.set(key, [...(told.get(key) ?? []), topic]);
  const orders = cases.flatMap(({ order }) => order ?? []);
  // Events are forgotten sooner than orders, by days: of an old order nothing may be left, or only its end.
  const oldest = outbox.reduce((least, { id }) => (id < least ? id : least), outbox[0]?.id ?? '');
  const remembered = orders.filter(({ order_id }) => {
    const topics = told.get(order_id);
    return topics && (topics.includes('order.created') || (TELLS_TIME.test(order_id) && order_id > oldest));
  });
  return {
    count: remembered.length,
    violations: remembered.flatMap(({ order_id, status }) => {
      const topics = told.get(order_id) ?? [];
      const wanted = [
        'order.created',
        ...(status === 'completed' || status === 'cancelled' ? [`order.${status}`] : []),
      ];
      const actual = topics.filter((topic) => ['order.created', 'order.completed', 'order.cancelled'].includes(topic));
      return actual.sort().join() === wanted.sort().join() ? [] : [`${order_id} was told of by ${topics.join(', ')}`];
    }),
  };
}

/** An order goes through each of its states once, and everybody has one answer to each question. */
async function checkRepeats(_cases: readonly Case[], ask: Ask): Promise<Finding> {
  let count = 0;
  const violations: string[] = [];
  for (const service of services) {
    const told = new Map<string, number>();
    for (const { topic, key } of await outboxOf(ask, service)) {
      const what = `${key} ${topic}`;
      told.set(what, (told.get(what) ?? 0) + 1);
    }
    count += told.size;
    for (const [what, times] of told) if (times > 1) violations.push(`${what} was told ${times} times by ${service}`);
  }
  return { count, violations };
}

/** What an operator gave up for good is answered for. */
async function checkFailures(_cases: readonly Case[], ask: Ask): Promise<Finding> {
  interface InboxRow {
    consumer_group: string;
    topic: string;
    key: string;
    id: string;
    state: string;
    error: string | null;
  }
  let count = 0;
  const violations: string[] = [];
  for (const service of services) {
    const [all] = await ask<{ count: number }>(databaseOf(service), 'SELECT count(*)::float8 AS count FROM inbox');
    count += all?.count ?? 0;
    const rows = await ask<InboxRow>(
      databaseOf(service),
      `SELECT consumer_group, i.topic, i.key, id, state, errors ->> -1 AS error
         FROM inbox i LEFT JOIN failures f USING (consumer_group, id) WHERE state NOT IN ('applied', 'discarded')`,
    );
    for (const { consumer_group, topic, key, id, state, error } of rows)
      violations.push(
        `${key} ${topic} ${id} is ${state} in ${service} (${consumer_group})${error ? `: ${error}` : ''}`,
      );
  }
  return { count, violations };
}

async function checkEffects(_cases: readonly Case[], ask: Ask): Promise<Finding> {
  let count = 0;
  const violations: string[] = [];
  for (const service of services) {
    const rows = await ask<{ idempotency_key: string; state: string; attempts: number }>(
      databaseOf(service),
      'SELECT idempotency_key, state, attempts FROM effects',
    );
    count += rows.length;
    for (const { idempotency_key, state, attempts } of rows)
      if (state !== 'closed') violations.push(`${idempotency_key} of ${service} is ${state} after ${attempts} tries`);
  }
  return { count, violations };
}

const stateTables = { inventory: 'reservations', payment: 'payments', logistics: 'shipments', email: 'mails' };

async function checkOrigins(_cases: readonly Case[], ask: Ask): Promise<Finding> {
  let count = 0;
  const violations: string[] = [];
  for (const [service, table] of Object.entries(stateTables)) {
    // Of an order from before the horizon the inbox has forgotten the events; our own ids of orders tell their time, too.
    const rows = await ask<{ order_id: string; explained: boolean }>(
      service,
      `SELECT order_id, order_id IN (SELECT key FROM inbox WHERE consumer_group = '${service}' AND state = 'applied') AS explained
         FROM ${table} WHERE version > 0 AND order_id ~ '${TELLS_TIME.source}' AND order_id COLLATE "C" > (SELECT before::text FROM inbox_horizon)`,
    );
    count += rows.length;
    for (const { order_id, explained } of rows)
      if (!explained) violations.push(`${order_id} has a row in ${table}, and ${service} has handled no event of it`);
  }
  return { count, violations };
}
