import type { LogReader, LogRecord } from '@order-events/messaging';
import type { Database } from './database';
import { LogCursors } from './log-cursors';
import { PostgresTx } from './tx';
import type { Backend } from './wake';

const PARTITION = 0;

/** The relay's place in the outbox. */
export class OutboxReader implements LogReader {
  private readonly cursors: LogCursors;
  private leasedAt = 0;

  constructor(
    private readonly database: Database,
    owner: string,
    backend: () => Promise<Backend | undefined>,
  ) {
    this.cursors = new LogCursors({ database, log: 'outbox', reader: 'relay', owner, backend });
  }

  async lease(ms: number): Promise<boolean> {
    if (this.cursors.partitions.length > 0) {
      if (performance.now() - this.leasedAt < ms / 3) return true;
      await this.cursors.renew(ms);
    } else await this.cursors.claim(1, ms);
    this.leasedAt = performance.now();
    return this.cursors.partitions.length > 0;
  }

  async page(limit: number): Promise<LogRecord[]> {
    return (await this.cursors.poll(limit)).get(PARTITION) ?? [];
  }

  async commit(refused: readonly { record: LogRecord; error: string }[]): Promise<void> {
    try {
      if (refused.length === 0) return await this.cursors.save();
      await this.database.transact(async (session) => {
        await this.cursors.save(session);
        await new PostgresTx(session).take('relay', refused.map(deadLetter));
      });
    } catch (error) {
      this.cursors.forget();
      throw error;
    }
  }

  rewind(): void {
    this.cursors.rewind();
  }

  async release(): Promise<void> {
    await this.cursors.release();
  }
}

function deadLetter({ record, error }: { record: LogRecord; error: string }) {
  const { id, topic, key } = record;
  return { id, topic, key, state: 'dead' as const, failure: { message: record, error, attempts: 1 } };
}
