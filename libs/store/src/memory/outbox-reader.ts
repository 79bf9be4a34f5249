import type { LogReader, LogRecord, Store } from '@order-events/messaging';
import { LeaseLostError } from '../lease-lost';
import type { MemoryDatabase, Place } from './database';

/** The relay's place in the outbox: windows by commit, and within a window by position, as on Postgres. */
export class MemoryOutboxReader implements LogReader {
  private epoch: number | undefined;
  private ahead: Place;

  constructor(
    private readonly database: MemoryDatabase,
    private readonly store: Store,
    private readonly connection: number,
  ) {
    this.ahead = database.cursor.place;
  }

  async lease(ms: number): Promise<boolean> {
    await this.store.ping();
    const { cursor } = this.database;
    if (this.epoch === undefined) this.claim();
    else if (this.epoch !== cursor.epoch) this.epoch = undefined;
    if (this.epoch !== undefined) cursor.until = this.database.now() + ms;
    return this.epoch !== undefined;
  }

  async page(limit: number): Promise<LogRecord[]> {
    await this.store.ping();
    const { outbox } = this.database;
    const { last, win, position } = this.ahead;
    const window = outbox.slice(last, win ?? outbox.length).sort((a, b) => a.position - b.position);
    const unread = win === null ? window : window.filter((record) => record.position > position);
    const page = unread.slice(0, limit);
    const end = last + window.length;
    this.ahead =
      page.length === limit
        ? { last, win: end, position: page.at(-1)!.position }
        : { last: end, win: null, position: page.at(-1)?.position ?? position };
    return page;
  }

  async commit(refused: readonly { record: LogRecord; error: string }[]): Promise<void> {
    await this.store.ping();
    this.assertMine();
    if (refused.length > 0) {
      await this.store.transact((tx) => tx.take('relay', refused.map(deadLetter)));
      this.assertMine();
    }
    this.database.cursor.place = this.ahead;
  }

  rewind(): void {
    this.ahead = this.database.cursor.place;
  }

  release(): Promise<void> {
    const { cursor } = this.database;
    if (this.epoch === cursor.epoch) cursor.owner = undefined;
    this.epoch = undefined;
    return Promise.resolve();
  }

  private claim(): void {
    const { database } = this;
    const { cursor } = database;
    if (cursor.owner && database.isConnected(cursor.owner) && cursor.until > database.now()) return;
    cursor.owner = this.connection;
    this.epoch = ++cursor.epoch;
    this.ahead = cursor.place;
  }

  private assertMine(): void {
    if (this.epoch === this.database.cursor.epoch) return;
    this.epoch = undefined;
    throw new LeaseLostError('relay lost the outbox');
  }
}

function deadLetter({ record, error }: { record: LogRecord; error: string }) {
  const { id, topic, key } = record;
  return { id, topic, key, state: 'dead' as const, failure: { message: record, error, attempts: 1 } };
}
