import { declarations, services } from '@order-events/contracts';

/** Where we meet programs of other teams, in the broker's own words. */
export type ForeignAddress =
  | { transport: 'kafka' | 'nats' | 'nsq'; topic: string }
  | { transport: 'rabbitmq'; exchange: string; routingKey: string; queue: string };

/** What a broker takes for a name, and what an address would not be told apart by. */
const NAMES = {
  kafka: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
  nats: /^[^\s.*>$,][^\s.*>,]*(\.[^\s.*>,]+)*$/,
  nsq: /^[.\w-]{1,64}$/,
  rabbitmq: /^[\x21-\x2b\x2d\x2e\x30-\x7e]{1,255}$/,
};
const isTransport = (name: string): name is ForeignAddress['transport'] => Object.hasOwn(NAMES, name);

/** The settings of the bridge, as far as they are known. */
export interface BridgeChoice {
  BRIDGE_IN?: string;
  BRIDGE_OUT?: string;
  TOPIC_PREFIX?: string;
}

/** @returns the address of that text; undefined when it is none. */
export function parseAddress(text: string): ForeignAddress | undefined {
  const colon = text.indexOf(':');
  const transport = text.slice(0, Math.max(colon, 0));
  if (!isTransport(transport)) return undefined;
  const names = transport === 'rabbitmq' ? text.slice(colon + 1).split('/') : [text.slice(colon + 1)];
  if (!names.every((name) => NAMES[transport].test(name))) return undefined;
  if (transport !== 'rabbitmq') return { transport, topic: names[0]! };
  const [exchange, routingKey, queue, ...more] = names;
  return exchange && routingKey && queue && more.length === 0 ? { transport, exchange, routingKey, queue } : undefined;
}

/** Everything that is wrong with the text of one address. */
export function addressProblems(text: string): string[] {
  if (parseAddress(text)) return [];
  return ['must be kafka:topic, nats:subject, nsq:topic or rabbitmq:exchange/routing_key/queue'];
}

/** Everything that is wrong with addresses that are well written. */
export function bridgeProblems(choice: BridgeChoice): string[] {
  const { BRIDGE_IN, BRIDGE_OUT, TOPIC_PREFIX = '' } = choice;
  const told = { BRIDGE_IN, BRIDGE_OUT };
  const ours = Object.entries(told).flatMap(([setting, text]) =>
    text !== undefined && isOurs(parseAddress(text), TOPIC_PREFIX)
      ? [`${setting}: ${text} is a name of our own events, which are no bare orders`]
      : [],
  );
  const [from, to] = [parseAddress(BRIDGE_IN ?? ''), parseAddress(BRIDGE_OUT ?? '')];
  if (from && to && leadsBack(from, to))
    ours.push(`BRIDGE_OUT: what is published to ${BRIDGE_OUT} would come in again from BRIDGE_IN ${BRIDGE_IN}`);
  return ours;
}

/** Each transport that the addresses name, with the setting that does. */
export function bridgedOver({ BRIDGE_IN, BRIDGE_OUT }: BridgeChoice): ReadonlyMap<string, string> {
  const namedBy = new Map<string, string>();
  for (const [setting, text = ''] of Object.entries({ BRIDGE_IN, BRIDGE_OUT })) {
    const address = parseAddress(text);
    if (address && !namedBy.has(address.transport)) namedBy.set(address.transport, setting);
  }
  return namedBy;
}

function isOurs(address: ForeignAddress | undefined, prefix: string): boolean {
  if (!address) return false;
  const own = (names: readonly string[]) => names.map((name) => prefix + name);
  if (address.transport !== 'rabbitmq') return own(declarations.map(({ topic }) => topic)).includes(address.topic);
  const { exchange, queue } = address;
  return own(['order-events']).includes(exchange) || own([...services, 'nobody']).includes(queue);
}

function leadsBack(from: ForeignAddress, to: ForeignAddress): boolean {
  if (from.transport === 'rabbitmq' && to.transport === 'rabbitmq')
    return from.queue === to.queue || (from.exchange === to.exchange && from.routingKey === to.routingKey);
  return from.transport === to.transport && 'topic' in from && 'topic' in to && from.topic === to.topic;
}
