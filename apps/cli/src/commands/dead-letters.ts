import { UsageError, type Call, type Command, type Result, type Values } from '../command';
import { query, shortened, table } from '../output';
import { actor, byHand, byHandOptions, number, seconds, text } from './options';

interface DeadLetter {
  consumer_group: string;
  id: string;
  topic: string;
  key: string;
  at: string;
  attempts: number;
  error: string;
}

interface FailedEvent extends DeadLetter {
  state: string;
  due_at: string | null;
  errors: { at: string; host: string; error: string }[];
  headers: Record<string, string>;
  body: string;
  body_encoding: 'utf-8' | 'base64';
  actions: { at: string; actor: string; action: string; reason: string }[];
}

const filterOptions = {
  group: { type: 'string' },
  type: { type: 'string' },
  key: { type: 'string' },
  id: { type: 'string' },
  error: { type: 'string' },
  'older-than': { type: 'string' },
  limit: { type: 'string' },
} as const;
const MOST_LISTED = 1_000;
const LISTED = 50;
const MOVED = 1_000;

function filter(values: Values) {
  const [group, type, key, id, error] = ['group', 'type', 'key', 'id', 'error'].map((name) => text(values, name));
  return { group, type, key, id, error, older_than: seconds(values, 'older-than') };
}

function limit(values: Values, preset: number, most: number): number {
  const wanted = number(values, 'limit') ?? preset;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > most)
    throw new UsageError(`--limit must be a whole number from 1 to ${most}.`);
  return wanted;
}

async function list({ services, values }: Call): Promise<Result> {
  const most = limit(values, LISTED, MOST_LISTED);
  const answers = await services.askAll<{ items: DeadLetter[]; next_cursor: string | null }>(
    `/dead-letters${query({ ...filter(values), limit: most })}`,
  );
  const found = [...answers].flatMap(([service, { items }]) => items.map((letter) => ({ service, ...letter })));
  found.sort((a, b) => b.at.localeCompare(a.at));
  const items = found.slice(0, most);
  const more = found.length > most || [...answers.values()].some(({ next_cursor }) => next_cursor !== null);
  const rows = items.map(({ service, consumer_group, id, topic, key, at, attempts, error }) => {
    return [service, consumer_group, id, topic, key, at, attempts, shortened(error, 80)];
  });
  const head = ['SERVICE', 'GROUP', 'ID', 'TYPE', 'KEY', 'DIED', 'TRIES', 'LAST ERROR'];
  const lines = rows.length > 0 ? [table(head, rows)] : ['no dead letters'];
  if (more) lines.push('There are more; ask for them with --limit, or for fewer with a filter.');
  return { text: lines.join('\n'), data: { items, more } };
}

async function show({ services, args }: Call): Promise<Result> {
  const [group, id] = args.map(encodeURIComponent);
  const answers = await services.askAll<FailedEvent>(`/dead-letters/${group}/${id}`);
  const found = [...answers].map(([service, event]) => ({ service, ...event }));
  if (found.length === 0) return { text: 'No failed event is kept under this group and id.', data: null, failed: true };
  return { text: found.map(shown).join('\n\n'), data: found[0] };
}

function shown(event: FailedEvent & { service: string }): string {
  const { service, consumer_group, id, topic, key, state, at, attempts, due_at } = event;
  const facts = Object.entries({ service, group: consumer_group, id, type: topic, key, state, at, tries: attempts });
  const parts = [table(['EVENT', ''], due_at === null ? facts : [...facts, ['next try', due_at]])];
  parts.push(
    table(
      ['ERROR AT', 'HOST', ''],
      event.errors.map(({ at, host, error }) => [at, host, error]),
    ),
  );
  if (event.actions.length > 0) {
    const actions = event.actions.map(({ at, actor, action, reason }) => [at, actor, action, reason]);
    parts.push(table(['DONE AT', 'BY', '', 'REASON'], actions));
  }
  const headers = Object.entries(event.headers);
  if (headers.length > 0) parts.push(table(['HEADER', ''], headers));
  parts.push(table([event.body_encoding === 'utf-8' ? 'BODY' : 'BODY (base64)'], [[event.body]]));
  return parts.join('\n\n');
}

/** One service after the other, because together they must not move more than was asked for. */
function move(action: 'redrive' | 'discard') {
  return async ({ services, values }: Call): Promise<Result> => {
    const which = filter(values);
    if (action === 'discard' && Object.values(which).every((part) => part === undefined))
      throw new UsageError('A discard is for good, so it must say of what: with --id, --group, --type, --key, …');
    const dryRun = values['dry-run'] === true;
    const by = dryRun ? { actor: actor(values) } : byHand(values);
    const order = { ...which, ...by, dry_run: dryRun, per_second: number(values, 'per-second') };
    const counts: Record<string, number> = {};
    let left = limit(values, MOVED, 100_000);
    for (const service of services.names) {
      if (left === 0) break;
      const answer = await services.ask<{ count: number }>(service, `/dead-letters/${action}`, {
        ...order,
        limit: left,
      });
      if (!answer) continue;
      counts[service] = answer.count;
      left -= answer.count;
    }
    const count = Object.values(counts).reduce((sum, some) => sum + some, 0);
    const would = dryRun ? `would be ${done[action]}` : done[action];
    const rows = Object.entries(counts).map(([service, some]) => [service, some]);
    return {
      text: count > 0 ? table(['SERVICE', would.toUpperCase()], rows) : 'No dead letter is meant by this.',
      data: { action, dry_run: dryRun, count, services: counts },
      failed: count === 0,
    };
  };
}

const done = { redrive: 'redriven', discard: 'discarded' };

export const deadLetterCommands: readonly Command[] = [
  {
    name: 'dlq ls',
    args: [],
    options: filterOptions,
    does: `Lists dead letters, what died last first; ${LISTED} unless --limit says otherwise.`,
    run: list,
  },
  {
    name: 'dlq show',
    args: ['GROUP', 'ID'],
    options: {},
    does: 'Shows one event that failed: its message, its last errors, and what was done to it.',
    run: show,
  },
  {
    name: 'dlq redrive',
    args: [],
    options: { ...filterOptions, 'dry-run': { type: 'boolean' }, 'per-second': { type: 'string' }, ...byHandOptions },
    does: `Sends dead letters through their handlers again, those of group relay to the broker; at most ${MOVED}.`,
    run: move('redrive'),
  },
  {
    name: 'dlq discard',
    args: [],
    options: { ...filterOptions, 'dry-run': { type: 'boolean' }, ...byHandOptions },
    does: `Gives the dead letters that are named up for good; what is kept of them stays. At most ${MOVED}.`,
    run: move('discard'),
  },
];
