import { dataschema, events, isTopic } from '@order-events/contracts';
import type { Message, Transport } from '@order-events/messaging';
import { but } from './but';
import type { AuditedStore } from './workspace';

const SCHEMA = 'ce-dataschema';

/** The store of a process that is a version ahead: it tells its events in the next version, and reads both. */
export function aheadStore(store: AuditedStore): AuditedStore {
  return but(store, {
    transact: (work) =>
      store.transact((tx) => work({ ...tx, append: (events) => tx.append(events.map((event) => lifted(event))) })),
    async dueRetries(group, limit) {
      const due = await store.dueRetries(group, limit);
      return due.map((retry) => ({ ...retry, message: understood(retry.message) }));
    },
  });
}

/** The transport of a process that is a version ahead. */
export function aheadTransport(transport: Transport): Transport {
  return but(transport, {
    subscribe: (subscribe) =>
      transport.subscribe({ ...subscribe, handle: (batch) => subscribe.handle(batch.map(understood)) }),
  });
}

/** In the next version, which differs in nothing but its number. */
function lifted<M extends Message>(message: M): M {
  const { topic, headers } = message;
  return isTopic(topic) ? { ...message, headers: { ...headers, [SCHEMA]: next(topic) } } : message;
}

/** As the process proper knows it: the other direction of an upcast is the same here. */
function understood(message: Message): Message {
  const { topic, headers } = message;
  if (!isTopic(topic) || headers[SCHEMA] !== next(topic)) return message;
  return { ...message, headers: { ...headers, [SCHEMA]: dataschema(topic) } };
}

function next(topic: keyof typeof events): string {
  return dataschema(topic, events[topic].version + 1);
}
