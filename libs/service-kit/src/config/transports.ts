import { declarations } from '@order-events/contracts';

export const transportNames = ['postgres', 'kafka', 'rabbitmq', 'nats', 'nsq', 'redis'] as const;
export type TransportName = (typeof transportNames)[number];

/** Which transports carry the events, as the settings of these names say it. */
export interface TransportChoice {
  TRANSPORT: TransportName;
  TRANSPORT_ROUTES: string;
  TRANSPORT_ALSO_CONSUME: string;
}

interface Route {
  /** A topic, of which any word may be `*`, which stands for any one word. */
  pattern: string;
  /** Each of them is published to. */
  transports: readonly TransportName[];
}

/** @returns the transports that a topic is published to: those of the first route that fits, else `TRANSPORT`. */
export function publishedTo({ TRANSPORT, TRANSPORT_ROUTES }: TransportChoice, topic: string): readonly TransportName[] {
  return parseRoutes(TRANSPORT_ROUTES).find((route) => fits(route, topic))?.transports ?? [TRANSPORT];
}

/**
 * @param choice as far as it is known
 * @returns every transport that is consumed from, with the first setting that names it
 */
export function consumedFrom(choice: Partial<TransportChoice>): ReadonlyMap<TransportName, string> {
  const { TRANSPORT, TRANSPORT_ROUTES = '', TRANSPORT_ALSO_CONSUME = '' } = choice;
  const settings = {
    TRANSPORT: TRANSPORT === undefined ? [] : [TRANSPORT],
    TRANSPORT_ROUTES: parseRoutes(TRANSPORT_ROUTES).flatMap(({ transports }) => transports),
    TRANSPORT_ALSO_CONSUME: split(TRANSPORT_ALSO_CONSUME, ',') as TransportName[],
  };
  const namedBy = new Map<TransportName, string>();
  for (const [setting, names] of Object.entries(settings))
    for (const name of names) if (!namedBy.has(name)) namedBy.set(name, setting);
  return namedBy;
}

/** Everything that is wrong with the text of `TRANSPORT_ROUTES`. */
export function routesProblems(text: string): string[] {
  const left = new Set(declarations.map(({ topic }) => topic));
  return parseRoutes(text).flatMap((route) => {
    const { pattern, transports } = route;
    if (transports.length === 0) return [`"${pattern}" names no transport, as in topic=nsq`];
    const matched = declarations.filter(({ topic }) => fits(route, topic)).map(({ topic }) => topic);
    const unused = matched.filter((topic) => left.delete(topic)).length === 0;
    return [
      ...listProblems(transports),
      ...(matched.length === 0 ? [`no topic is called "${pattern}"`] : []),
      ...(matched.length > 0 && unused
        ? [`"${pattern}" is never used, as routes before it take all of its topics`]
        : []),
    ];
  });
}

/** Everything that is wrong with the text of `TRANSPORT_ALSO_CONSUME`. */
export const alsoConsumeProblems = (text: string): string[] => listProblems(split(text, ','));

/** Those that `TRANSPORT_ALSO_CONSUME` names although they are published to: another one was meant. */
export function consumedAnyway({ TRANSPORT_ALSO_CONSUME = '', ...published }: Partial<TransportChoice>): string[] {
  const named: ReadonlyMap<string, string> = consumedFrom(published);
  return split(TRANSPORT_ALSO_CONSUME, ',').filter((name) => named.has(name));
}

function parseRoutes(text: string): Route[] {
  return split(text, ',').map((route) => {
    const [pattern = '', ...list] = route.split('=').map((part) => part.trim());
    // Text that was not checked may name anything.
    return { pattern, transports: split(list.join('='), '+') as TransportName[] };
  });
}

function listProblems(names: readonly string[]): string[] {
  const known: readonly string[] = transportNames;
  return [
    ...names.filter((name) => !known.includes(name)).map((name) => `"${name}" is none of ${known.join(', ')}`),
    ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `"${name}" stands there twice`),
  ];
}

function fits({ pattern }: Route, topic: string): boolean {
  const [wanted, words] = [pattern.split('.'), topic.split('.')];
  return wanted.length === words.length && wanted.every((word, index) => word === '*' || word === words[index]);
}

const split = (list: string, separator: string) =>
  list
    .split(separator)
    .map((one) => one.trim())
    .filter((one) => one !== '');
