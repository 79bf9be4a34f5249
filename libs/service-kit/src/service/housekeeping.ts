import { StoreError, systemRuntime } from '@order-events/messaging';
import type { Dropped, PostgresStore } from '@order-events/store';
import type { Config } from '../config/settings';
import type { Logger } from '../log';
import type { Metrics } from '../metrics';
import type { Part } from '../transports';

export const RETENTION_SETTINGS = [
  'OUTBOX_RETENTION_DAYS',
  'DEAD_LETTER_RETENTION_DAYS',
  'INBOX_RETENTION_DAYS',
] as const;
export type Retention = Config<(typeof RETENTION_SETTINGS)[number]>;

export interface HousekeepingOptions {
  store: Pick<PostgresStore, 'makePartitions' | 'inboxRetention' | 'forgetOutbox'>;
  parts: readonly Pick<Part, 'makePartitions' | 'forgetLog'>[];
  retention: Retention;
  metrics: Pick<Metrics, 'handled'>;
  log: Logger;
}

/** A table that is in use is asked for again; each time it holds others up for a tenth of a second at most. */
const TRIES = 10;
const PAUSE_MS = 1_000;

/**
 * Why what a service forgets could be done twice, in one sentence; undefined when it cannot. A dead letter may be tried
 * again as long as it is kept, and what has come of an event must be known until nobody can send it any more.
 */
export function retentionWarning(retention: Retention): string | undefined {
  const { INBOX_RETENTION_DAYS: inbox, DEAD_LETTER_RETENTION_DAYS: letters, OUTBOX_RETENTION_DAYS: outbox } = retention;
  if (inbox >= outbox + letters) return undefined;
  return (
    `the inbox forgets after ${inbox} days; an event may be published for ${outbox} days and redriven for ${letters} more: ` +
    'what is redriven late will be too old for whoever consumes it; set INBOX_RETENTION_DAYS higher'
  );
}

/** Makes the partitions of the days ahead, and forgets what is old. Any number of processes may do it at the same time. */
export class Housekeeping {
  constructor(private readonly options: HousekeepingOptions) {}

  /** To be done daily, and harmless to do more often. Gives up on `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, parts, retention } = this.options;
    const { OUTBOX_RETENTION_DAYS: outboxDays, INBOX_RETENTION_DAYS: inboxDays } = retention;
    await patiently(signal, () => store.makePartitions());
    for (const part of parts) await patiently(signal, async () => part.makePartitions?.());
    await this.expireDeadLetters();
    this.tell('inbox', await patiently(signal, () => store.inboxRetention.forget(inboxDays)));
    this.tell('outbox', await patiently(signal, () => store.forgetOutbox(outboxDays)));
    for (const part of parts) this.tell('log', await patiently(signal, async () => part.forgetLog?.(outboxDays)));
  }

  private async expireDeadLetters(): Promise<void> {
    const { store, retention, metrics, log } = this.options;
    const days = retention.DEAD_LETTER_RETENTION_DAYS;
    for (const { consumer_group, id, topic, key } of await store.inboxRetention.expireDeadLetters(days)) {
      metrics.handled.inc({ topic, outcome: 'expired' });
      log.error(
        { topic, order_id: key, event_id: id, consumer_group },
        `given up: a dead letter for more than ${days} days that nobody redrove or discarded`,
      );
    }
  }

  private tell(table: string, { dropped, kept }: Dropped = { dropped: [], kept: [] }): void {
    const { log } = this.options;
    if (dropped.length > 0) log.info({ table, dropped }, 'dropped partitions that nobody needs any more');
    if (kept.length > 0) log.warn({ table, kept }, 'partitions are old, and kept because they are still needed');
  }
}

/** Repeats what came into somebody's way. */
async function patiently<R>(signal: AbortSignal, work: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isContended = error instanceof StoreError && error.kind === 'contended';
      if (!isContended || tries === TRIES || signal.aborted) throw error;
      await systemRuntime.sleep(PAUSE_MS, signal);
    }
  }
}
