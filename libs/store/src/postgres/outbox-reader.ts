import { lettersOf, RELAY, type AuditLog, type LogReader, type LogRecord, type Refused } from '@order-events/messaging';
import type { Database } from './database';
import { LogCursors } from './log-cursors';
import { PostgresTx } from './tx';
import type { Backend } from './wake';

const PARTITION = 0;

/** One reader's place in the outbox: the relay's, or that of the audit of one group. */
export class OutboxReader implements LogReader, AuditLog {
  protected readonly cursors: LogCursors;
  private leasedAt = 0;
  protected leasedMs = 0;

  constructor(
    private readonly database: Database,
    owner: string,
    backend: () => Promise<Backend | undefined>,
    readonly letters: string = RELAY,
    reader = 'relay',
  ) {
    this.cursors = new LogCursors({ database, log: 'outbox', reader, owner, backend });
  }

  async lease(ms: number): Promise<boolean> {
    if (this.cursors.partitions.length > 0) {
      if (performance.now() - this.leasedAt < ms / 3) return true;
      await this.cursors.renew(ms);
    } else await this.claim(ms);
    this.leasedAt = performance.now();
    this.leasedMs = ms;
    return this.cursors.partitions.length > 0;
  }

  async page(limit: number, win?: string): Promise<LogRecord[]> {
    return (await this.cursors.poll(limit, this.cursors.partitions, win)).get(PARTITION) ?? [];
  }

  async commit(refused: readonly Refused[] = []): Promise<void> {
    try {
      if (refused.length === 0) return await this.cursors.save();
      await this.database.transact(async (session) => {
        await this.cursors.save(session);
        const tx = new PostgresTx(session);
        const letters = lettersOf(refused);
        await tx.reopen(this.letters, letters);
        await tx.take(this.letters, letters);
        await tx.append(refused.flatMap(({ told = [] }) => told));
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

  protected async claim(ms: number): Promise<void> {
    await this.cursors.claim(1, ms);
  }
}
