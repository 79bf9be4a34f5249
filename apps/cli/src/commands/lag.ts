import type { Call, Command, Result } from '../command';
import { duration, query, table } from '../output';
import { text } from './options';

interface Lag {
  group: string;
  paused: { at: string; actor: string; reason: string } | null;
  backlog: number | null;
  outbox_oldest_ms: number;
  retrying: number;
  dead: number;
  effects: number;
  outside_away_since: string | null;
}
interface Outbox {
  oldest_ms: number;
  scheduled: { count: number; next_at: string | null };
  items: { position: number; topic: string; key: string; created_at: string }[];
}

async function lag({ services }: Call): Promise<Result> {
  const answers = await services.askAll<Lag>('/lag');
  const rows = [...answers].map(([service, each]) => {
    const { paused, backlog, outbox_oldest_ms, retrying, dead, effects, outside_away_since } = each;
    const since = paused && `since ${paused.at} by ${paused.actor}: ${paused.reason}`;
    const away = outside_away_since && `since ${outside_away_since}`;
    return [service, backlog, retrying, dead, effects, away, duration(outbox_oldest_ms), since];
  });
  return {
    text: table(
      ['SERVICE', 'WAITING', 'RETRYING', 'DEAD', 'CALLS OPEN', 'OUTSIDE AWAY', 'OLDEST UNPUBLISHED', 'PAUSED'],
      rows,
    ),
    data: Object.fromEntries(answers),
  };
}

async function outbox({ services, values }: Call): Promise<Result> {
  const path = `/outbox${query({ key: text(values, 'key'), limit: text(values, 'limit') ?? 5 })}`;
  const answers = await services.askAll<Outbox>(path);
  const ages = [...answers].map(([service, { oldest_ms, scheduled }]) => {
    return [service, duration(oldest_ms), scheduled?.count, scheduled.next_at];
  });
  const rows = [...answers].flatMap(([service, { items }]) =>
    items.map(({ position, topic, key, created_at }) => [service, position, topic, key, created_at]),
  );
  const newest = table(['SERVICE', 'POSITION', 'TYPE', 'KEY', 'AT'], rows);
  const oldest = table(['SERVICE', 'OLDEST UNPUBLISHED', 'FOR LATER', 'NEXT DUE'], ages);
  return { text: rows.length > 0 ? `${oldest}\n\n${newest}` : oldest, data: Object.fromEntries(answers) };
}

export const lagCommands: readonly Command[] = [
  {
    name: 'outbox',
    args: [],
    options: { key: { type: 'string' }, limit: { type: 'string' } },
    does: 'Shows how old the oldest unpublished event of each service is, how many are for later, and its newest, published or not.',
    run: outbox,
  },
  {
    name: 'lag',
    args: [],
    options: {},
    does: 'Shows what waits for each service, what it tries again, and what it has not yet sent.',
    run: lag,
  },
];
