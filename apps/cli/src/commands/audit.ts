import { UsageError, type Call, type Command, type Result } from '../command';
import { duration, table } from '../output';
import { byHand, byHandOptions, text, time } from './options';

interface AuditStatus {
  group: string;
  verified: number;
  lag_ms: number;
  missing: number;
  resent: number;
  replay: { topic: string; until: number } | null;
}

function audit(call: Call): Promise<Result> {
  const since = time(call.values, 'since');
  return since === undefined ? show(call) : again(call, since);
}

async function show({ services, values }: Call): Promise<Result> {
  const wanted = text(values, 'group');
  const answers = await services.askAll<{ items: AuditStatus[] }>('/audit');
  const items = [...answers].flatMap(([publisher, of]) => of.items.map((status) => ({ publisher, ...status })));
  const shown = items.filter(({ group }) => wanted === undefined || group === wanted);
  const rows = shown.map(({ publisher, group, verified, lag_ms, missing, resent, replay }) => {
    const replaying = replay && `${replay.topic} up to ${replay.until}`;
    return [publisher, group, verified, duration(lag_ms), missing, resent, replaying];
  });
  const head = ['PUBLISHER', 'GROUP', 'VERIFIED', 'LAG', 'MISSING', 'RESENT', 'REPLAYS'];
  return { text: rows.length > 0 ? table(head, rows) : 'nothing is audited', data: shown, failed: rows.length === 0 };
}

/** Whoever publishes nothing for the group has nothing to ask it. */
async function again({ services, values }: Call, since: string): Promise<Result> {
  const group = text(values, 'group');
  if (group === undefined) throw new UsageError('--group must say whose database was restored.');
  const order = { group, since, ...byHand(values) };
  const asked: string[] = [];
  for (const service of services.names) if (await services.ask(service, '/audit', order)) asked.push(service);
  return {
    text:
      asked.length > 0
        ? `${group} is asked again about all since ${since} by ${asked.join(', ')}`
        : `Nobody who answers publishes anything for a group ${group}.`,
    data: { group, since, publishers: asked },
    failed: asked.length === 0,
  };
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
