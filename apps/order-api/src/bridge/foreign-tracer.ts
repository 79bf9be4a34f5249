import type { Tracer } from '@order-events/messaging';

/** Tells of messages at the address of other teams, and not on the broker that carries our events. */
export function foreignTracer(tracer: Tracer, address: string): Tracer {
  const of = { 'messaging.system': address.split(':')[0], 'messaging.destination.name': address };
  return {
    start: (_name, { kind, parent, attributes }) =>
      tracer.start(`${kind === 'producer' ? 'send' : 'process'} ${address}`, {
        ...{ kind, parent },
        attributes: { ...attributes, ...of },
      }),
  };
}
