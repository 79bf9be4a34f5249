import {
  isFull,
  lettersOf,
  RELAY,
  type AuditLog,
  type LogReader,
  type LogRecord,
  type Refused,
} from '@order-events/messaging';
import { LeaseLostError } from '../lease-lost';
import type { Cursor, MemoryDatabase, Place } from './database';
import type { MemoryStore } from './store';

/** One reader's place in the outbox: windows by commit, and within a window by position, as on Postgres. */
export class MemoryOutboxReader implements LogReader, AuditLog {
  readonly letters = RELAY;
  private epoch: number | undefined;
  private ahead: Place;

  constructor(
    private readonly database: MemoryDatabase,
    private readonly store: MemoryStore,
    private readonly connection: number,
    private readonly cursor: Cursor = database.cursor,
    private readonly wants: (record: LogRecord) => boolean = () => true,
  ) {
    this.ahead = cursor.place;
  }

  async lease(ms: number): Promise<boolean> {
    await this.store.ping();
    const { cursor } = this;
    if (this.epoch === undefined) this.claim();
    else if (this.epoch !== cursor.epoch) this.epoch = undefined;
    if (this.epoch !== undefined) cursor.until = this.database.now() + ms;
    return this.epoch !== undefined;
  }

  /** @param mark how many commits there are in a window that is opened now; by default all. */
  async page(limit: number, mark?: string): Promise<LogRecord[]> {
    await this.store.ping();
    const { outbox } = this.database;
    const { last, win, position } = this.ahead;
    const window = outbox.slice(last, win ?? Number(mark ?? outbox.length)).sort((a, b) => a.position - b.position);
    const wanted = window.filter(this.wants);
    const unread = win === null ? wanted : wanted.filter((record) => record.position > position);
    const page = pageOf(unread, limit);
    const end = last + window.length;
    this.ahead = isFull(page, limit)
      ? { last, win: end, position: page.at(-1)!.position }
      : { last: end, win: null, position: window.at(-1)?.position ?? position };
    return page;
  }

  async commit(refused: readonly Refused[] = []): Promise<void> {
    await this.store.ping();
    this.assertMine();
    if (refused.length === 0) this.cursor.place = this.ahead;
    else
      await this.store.transact(async (tx) => {
        const letters = lettersOf(refused);
        await tx.reopen(this.letters, letters);
        await tx.take(this.letters, letters);
        await tx.append(refused.flatMap(({ told = [] }) => told));
        // Last of all, because nothing takes it back.
        this.assertMine();
        this.cursor.place = this.ahead;
      });
  }

  rewind(): void {
    this.ahead = this.cursor.place;
  }

  release(): Promise<void> {
    const { cursor } = this;
    if (this.epoch === cursor.epoch) cursor.owner = undefined;
    this.epoch = undefined;
    return Promise.resolve();
  }

  private claim(): void {
    const { database, cursor } = this;
    if (cursor.owner && database.isConnected(cursor.owner) && cursor.until > database.now()) return;
    cursor.owner = this.connection;
    this.epoch = ++cursor.epoch;
    this.ahead = cursor.place;
  }

  private assertMine(): void {
    if (this.epoch === this.cursor.epoch) return;
    this.epoch = undefined;
    throw new LeaseLostError('the place in the outbox is lost to somebody else');
  }
}

function pageOf(records: readonly LogRecord[], limit: number): LogRecord[] {
  const page: LogRecord[] = [];
  for (const record of records) {
    if (isFull(page, limit)) break;
    page.push(record);
  }
  return page;
}
