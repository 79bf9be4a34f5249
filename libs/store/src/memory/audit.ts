import type {
  AuditLog,
  AuditStatus,
  AuditStore,
  Holding,
  InboxEntry,
  InboxState,
  LogRecord,
  Published,
  ReplayStart,
} from '@order-events/messaging';
import { newCursor, type AuditRow, type Cursor, type MemoryDatabase } from './database';
import { MemoryOutboxReader } from './outbox-reader';
import type { MemoryStore } from './store';

/** The delivery audit's part of a database in memory. A mark is the number of commits that are published. */
export class MemoryAudit implements AuditStore {
  constructor(
    private readonly database: MemoryDatabase,
    private readonly store: MemoryStore,
    private readonly connection: number,
  ) {}

  async declare(audiences: ReadonlyMap<string, readonly string[]>): Promise<void> {
    await this.store.ping();
    const { audits, outbox } = this.database;
    for (const [group, topics] of audiences) {
      const known = audits.get(group);
      if (known) known.topics = topics;
      else audits.set(group, { cursor: newCursor(outbox.length), topics, missing: 0, resent: 0 });
    }
  }

  async published(): Promise<Published | undefined> {
    await this.store.ping();
    const { cursor, outbox } = this.database;
    const { last, win, position } = cursor.place;
    const isRead = win !== null && outbox.slice(last, win).every((record) => record.position <= position);
    return { mark: String(isRead ? win : last), position };
  }

  log(group: string): AuditLog {
    const row = this.row(group);
    const wants = (record: LogRecord) => {
      const { topics, replay } = row;
      return topics.includes(record.topic) && (record.topic === replay?.topic || !replay?.records.has(record));
    };
    return new MemoryOutboxReader(this.database, this.store, this.connection, row.cursor, wants);
  }

  async ask(group: string, question: string): Promise<void> {
    await this.store.ping();
    const row = this.row(group);
    if (row.question !== question) Object.assign(row, { question, answer: undefined });
  }

  async answer(group: string, question: string, answer: object): Promise<void> {
    await this.store.ping();
    const row = this.database.audits.get(group);
    if (row?.question === question) row.answer = structuredClone(answer);
  }

  async answerTo(group: string, question: string): Promise<unknown> {
    await this.store.ping();
    const row = this.row(group);
    return row.question === question ? structuredClone(row.answer) : undefined;
  }

  async tally(group: string, missing: number, resent: number): Promise<void> {
    await this.store.ping();
    const row = this.row(group);
    row.missing = missing;
    row.resent += resent;
  }

  async holding(group: string, ids: readonly string[], topics: readonly string[], before: string): Promise<Holding> {
    await this.store.ping();
    const inbox = this.database.table<InboxEntry>('inbox');
    const oldest = [...ids].sort()[0]!;
    let newest: string | undefined;
    for (const [key, { id, topic }] of inbox) {
      if (key !== `${group} ${id}` || !topics.includes(topic) || id <= oldest || id >= before) continue;
      if (newest === undefined || id > newest) newest = id;
    }
    const states = ids.map((id) => ({ id, state: inbox.get(`${group} ${id}`)?.state }));
    const among = (which: (state: InboxState | undefined) => boolean) =>
      states.filter(({ state }) => which(state)).map(({ id }) => id);
    const unapplied = among((state) => state !== undefined && state !== 'applied');
    return { missing: among((state) => state === undefined), unapplied, newest };
  }

  async again(group: string, since: Date): Promise<boolean> {
    await this.store.ping();
    const row = this.database.audits.get(group);
    if (!row) return false;
    row.replay = undefined;
    this.setBack(row.cursor, since);
    return true;
  }

  async replay(group: string, topic: string, since: Date): Promise<ReplayStart> {
    await this.store.ping();
    const row = this.database.audits.get(group);
    if (!row?.topics.includes(topic)) return 'not_audited';
    const { last } = row.cursor.place;
    if (row.replay && row.replay.commits > last) return 'under_way';
    row.replay = { topic, commits: last, records: new Set(this.database.outbox.slice(0, last)) };
    this.setBack(row.cursor, since);
    return 'begun';
  }

  async status(): Promise<AuditStatus[]> {
    await this.store.ping();
    return [...this.database.audits].map(([group, { cursor, topics, missing, resent, replay }]) => {
      const unread = this.unread(cursor);
      const times = unread.filter(({ topic }) => topics.includes(topic)).map(({ time }) => time.getTime());
      const positions = unread.map(({ position }) => position);
      const verified = positions.length > 0 ? Math.min(...positions) - 1 : cursor.place.position;
      const now = this.database.now();
      const lag_ms = times.length > 0 ? now - Math.min(...times) : 0;
      const isUnderWay = replay && replay.commits > cursor.place.last;
      const until = Math.max(0, ...[...(replay?.records ?? [])].map(({ position }) => position));
      const replayed = isUnderWay ? { topic: replay.topic, until } : null;
      return { group, verified, missing, resent, lag_ms, replay: replayed };
    });
  }

  private setBack(cursor: Cursor, since: Date): void {
    const first = this.database.outbox.findIndex(({ time }) => time >= since);
    const last = first < 0 ? cursor.place.last : Math.min(first, cursor.place.last);
    Object.assign(cursor, { place: { last, win: null, position: 0 }, owner: undefined, epoch: cursor.epoch + 1 });
  }

  private unread({ place: { last, win, position } }: Cursor): LogRecord[] {
    return this.database.outbox.slice(last).filter((record, i) => {
      return win === null || last + i >= win || record.position > position;
    });
  }

  private row(group: string): AuditRow {
    const row = this.database.audits.get(group);
    if (!row) throw new Error(`the group ${group} was not declared for the audit`);
    return row;
  }
}
