import type { Call, Command, Result } from '../command';
import { query, table } from '../output';
import { number, text } from './options';

interface Action {
  at: string;
  actor: string;
  action: string;
  reason: string;
  consumer_group: string;
  event_id: string | null;
  details: object | null;
}

const MOST = 100;

async function actions({ services, values }: Call): Promise<Result> {
  const limit = number(values, 'limit') ?? MOST;
  const [actor, action] = [text(values, 'actor'), text(values, 'action')];
  const answers = await services.askAll<{ items: Action[] }>(
    `/actions${query({ actor, action, event_id: text(values, 'id'), limit })}`,
  );
  const items = [...answers]
    .flatMap(([service, answer]) => answer.items.map((item) => ({ service, ...item })))
    .sort((a, b) => b.at.localeCompare(a.at))
    .slice(0, limit);
  const rows = items.map(({ at, service, actor, action, consumer_group, event_id, details, reason }) => {
    const what = event_id ?? (details && JSON.stringify(details));
    return [at, service, actor, action, consumer_group, what, reason];
  });
  const head = ['AT', 'SERVICE', 'WHO', 'ACTION', 'GROUP', 'WHAT', 'WHY'];
  return { text: rows.length > 0 ? table(head, rows) : 'nothing was done by hand', data: items };
}

export const actionCommands: readonly Command[] = [
  {
    name: 'actions',
    args: [],
    options: {
      actor: { type: 'string' },
      action: { type: 'string' },
      id: { type: 'string' },
      limit: { type: 'string' },
    },
    does: 'Shows who did what by hand to which service, and why; the newest first.',
    run: actions,
  },
];
