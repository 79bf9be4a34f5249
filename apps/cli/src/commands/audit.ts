import { UsageError, type Call, type Command, type Result } from '../command';
import { duration, table } from '../output';
import { byHand, byHandOptions, text } from './options';

interface AuditStatus {
  group: string;
  verified: number;
  lag_ms: number;
  missing: number;
  resent: number;
}

function audit(call: Call): Promise<Result> {
  const since = text(call.values, 'since');
  return since === undefined ? show(call) : again(call, since);
}

async function show({ services, values }: Call): Promise<Result> {
  const wanted = text(values, 'group');
  const answers = await services.askAll<{ items: AuditStatus[] }>('/audit');
  const items = [...answers].flatMap(([publisher, of]) => of.items.map((status) => ({ publisher, ...status })));
  const shown = items.filter(({ group }) => wanted === undefined || group === wanted);
  const rows = shown.map(({ publisher, group, verified, lag_ms, missing, resent }) => {
    return [publisher, group, verified, duration(lag_ms), missing, resent];
  });
  const head = ['PUBLISHER', 'GROUP', 'VERIFIED', 'LAG', 'MISSING', 'RESENT'];
  return { text: rows.length > 0 ? table(head, rows) : 'nothing is audited', data: shown, failed: rows.length === 0 };
}

/** Whoever publishes nothing for the group has nothing to ask it. */
async function again({ services, values }: Call, since: string): Promise<Result> {
  const group = text(values, 'group');
  if (group === undefined) throw new UsageError('--group must say whose database was restored.');
  const order = { group, since: timeOf(since), ...byHand(values) };
  const asked: string[] = [];
  for (const service of services.names) if (await services.ask(service, '/audit', order)) asked.push(service);
  return {
    text:
      asked.length > 0
        ? `${group} is asked again about all since ${order.since} by ${asked.join(', ')}`
        : `Nobody who answers publishes anything for a group ${group}.`,
    data: { group, since: order.since, publishers: asked },
    failed: asked.length === 0,
  };
}

function timeOf(since: string): string {
  const time = /^\d{4}-\d\d-\d\dT\S+(Z|[+-]\d\d:\d\d)$/.test(since) ? new Date(since) : undefined;
  if (!time || Number.isNaN(time.getTime()))
    throw new UsageError(`--since must be a time with its zone, such as 2026-11-21T10:00:00Z: ${since}`);
  return time.toISOString();
}

export const auditCommands: readonly Command[] = [
  {
    name: 'audit',
    args: [],
    options: { group: { type: 'string' }, since: { type: 'string' }, ...byHandOptions },
    does: `Shows which events each group is known to hold, by publisher. With --since, after a restore of the group's database:
      its publishers ask it again about all that they appended since then, and send what it lacks. That time must lie
      before the dump by as much as the group was behind: what was told before the dump and taken in after it is lacking, too.`,
    run: audit,
  },
];
