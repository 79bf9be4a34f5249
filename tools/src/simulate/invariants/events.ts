import { DEAD_LETTERED, holdersOf, isTopic, publishedBy, services, type Service } from '@order-events/contracts';
import type { InboxEntry, OutboxEntry } from '@order-events/messaging';
import { isGarbage } from '../garbage';
import type { Invariant, Sight } from './invariant';

/** Everything that is told is told once, handled once by each that wants it, and was told before it is handled. */
export function events({ databases, hasKilled, report }: Sight): Invariant {
  const told = new Map<string, string>();
  const published = new Set<string>();
  const applied = new Set<string>();

  function tell(service: Service, { id, topic, key, headers }: OutboxEntry): void {
    const cause = headers['ce-causationid'] ?? 'itself';
    const what = `${topic} of ${key}`;
    const before = told.get(what);
    // Two replicas may file the same garbage at once: it has no key to lock.
    if (before !== undefined && topic !== DEAD_LETTERED)
      report(`${service} tells ${what} twice, because of ${before} and because of ${cause}`);
    told.set(what, cause);
    published.add(id);
  }

  function take(service: Service, entry: InboxEntry): void {
    const { id, topic, key, state, failure } = entry;
    if (state === 'applied') {
      if (applied.has(`${service} ${id}`)) report(`${service} handles ${topic} of ${key} a second time`);
      applied.add(`${service} ${id}`);
      if (!published.has(id)) report(`${service} handles ${topic} of ${key}, which nobody has told`);
    } else if (state === 'dead' && !hasKilled(service, id) && !(failure && isGarbage(failure.message)))
      report(`${topic} of ${key} is a dead letter in ${service}: ${failure?.error}`);
  }

  return {
    restored(service) {
      // It tells anew what it has forgotten, under new ids, and takes again what it has forgotten.
      for (const topic of publishedBy(service))
        for (const what of told.keys()) if (what.startsWith(`${topic} of `)) told.delete(what);
      const inbox = databases[service].database.table<InboxEntry>('inbox');
      for (const name of applied)
        if (name.startsWith(`${service} `) && inbox.get(name)?.state !== 'applied') applied.delete(name);
    },
    committed({ service, taken, events }) {
      for (const event of events) tell(service, event);
      for (const entry of taken) take(service, entry);
    },
    end() {
      for (const service of services)
        for (const { id, topic, key } of databases[service].database.outbox)
          for (const group of isTopic(topic) ? holdersOf(topic) : [])
            if (databases[group].database.table<InboxEntry>('inbox').get(`${group} ${id}`)?.state !== 'applied')
              report(`${topic} of ${key} has not come to ${group}`);
    },
  };
}
