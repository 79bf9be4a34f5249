import { isFull, type LogRecord, type Message } from '@order-events/messaging';
import { LeaseLostError } from '../lease-lost';
import type { Database, Queryable } from './database';
import { logSql, type LogSql } from './log-sql';
import type { Backend } from './wake';

/** A place in a partition: all of `last` is read, and of the window `win` all up to `position`. */
interface Place {
  last: string;
  win: string | null;
  position: number;
  floor: number;
}

/** In place of an epoch: the place lives in memory only. */
const FOLLOWED = -1;

/** Which statement reads the next page. */
type How = 'open' | 'openTo' | 'next' | 'replay';

interface Owned {
  epoch: number;
  /** As it stands in the database. */
  saved: Place;
  /** After the last poll. */
  ahead: Place;
}

interface ClaimedRow extends Place {
  partition: number;
  epoch: number;
  same_cluster: boolean;
  topics: string[] | null;
}

interface RecordRow {
  partition: number;
  /** Of the window that was opened; null: none was. */
  win: string | null;
  position: number | null;
  id: string;
  topic: string;
  key: string;
  /** Of a row that was put in by hand any JSON. */
  headers: unknown;
  body: Buffer;
  created_at: Date;
}

export interface LogCursorsOptions {
  database: Database;
  log: 'outbox' | 'log';
  reader: string;
  /** Name of this instance; unique for its lifetime. */
  owner: string;
  /** The connection by which others see that this instance lives; nothing is claimed without one. */
  backend(): Promise<Backend | undefined>;
}

/**
 * One reader's cursors over the partitions of a log, as far as this instance owns them. Every write of a cursor names the
 * epoch of its lease, so an owner that was paused past its lease and goes on cannot move a place that is no longer its.
 */
export class LogCursors {
  private readonly sql: LogSql;
  private readonly owned = new Map<number, Owned>();
  /** What the reader was declared to want; null: all. */
  private topics: readonly string[] | null = null;

  constructor(private readonly options: LogCursorsOptions) {
    this.sql = logSql(options.log);
  }

  get partitions(): number[] {
    return [...this.owned.keys()];
  }

  /** Claims up to `limit` more partitions that nobody owns, or whose owner is gone. */
  async claim(limit: number, leaseMs: number): Promise<void> {
    const { database, reader, owner } = this.options;
    const backend = await this.options.backend();
    if (!backend) return;
    const rows = await database.query<ClaimedRow>(this.sql.claim, [
      reader,
      limit,
      owner,
      backend.pid,
      backend.start,
      leaseMs,
      this.partitions,
    ]);
    for (const { partition, epoch, same_cluster, topics, ...place } of rows) {
      this.topics = topics;
      const saved = same_cluster ? place : await this.adopt(partition, epoch);
      this.owned.set(partition, { epoch, saved, ahead: saved });
    }
  }

  /** Reads these topics from now on, for this instance alone: nothing of it is leased or saved. */
  async follow(partitions: number, topics: readonly string[]): Promise<void> {
    this.topics = topics;
    const [row] = await this.options.database.query<{ last: string }>('SELECT pg_current_snapshot()::text AS last');
    const place = { last: row!.last, win: null, position: 0, floor: 0 };
    for (let i = 0; i < partitions; i++) this.owned.set(i, { epoch: FOLLOWED, saved: place, ahead: place });
  }

  /** Prolongs the leases; forgets the partitions that somebody else has taken over, and those claimed by a lost connection. */
  async renew(leaseMs: number): Promise<void> {
    const { database, reader } = this.options;
    const [partitions, epochs] = this.epochs(this.partitions);
    const kept = await database.query<{ partition: number }>(this.sql.renew, [reader, partitions, epochs, leaseMs]);
    this.keep(kept);
  }

  /**
   * Reads the next page of each owned partition (or of those in `only`), at most `limit` records and `PAGE_BYTES` each, in order. The
   * places move in memory; `save` makes them lasting. A window that is opened ends with the snapshot `win`, or now.
   */
  async poll(
    limit: number,
    only: readonly number[] = this.partitions,
    win?: string,
  ): Promise<Map<number, LogRecord[]>> {
    const pages = new Map<number, LogRecord[]>();
    const owned = only.flatMap((partition) => {
      const cursor = this.owned.get(partition);
      return cursor ? [{ partition, place: cursor.ahead }] : [];
    });
    const replaying = owned.filter(({ place }) => place.position < place.floor && place.win === null);
    const inWindow = owned.filter(({ place }) => place.win !== null);
    const opening = owned.filter(({ place }) => place.win === null && place.position >= place.floor);
    await this.read(pages, replaying, limit, 'replay');
    await this.read(pages, inWindow, limit, 'next');
    await this.read(pages, opening, limit, win === undefined ? 'open' : 'openTo', win);
    return pages;
  }

  /**
   * Makes the places of these partitions lasting.
   * @throws LeaseLostError if one of them is no longer ours; those that are, are saved.
   */
  async save(session: Queryable = this.options.database, only: readonly number[] = this.partitions): Promise<void> {
    const wanted = new Set(only);
    const all = [...this.owned].filter(([partition, { saved, ahead }]) => saved !== ahead && wanted.has(partition));
    for (const [, cursor] of all) if (cursor.epoch === FOLLOWED) cursor.saved = cursor.ahead;
    const moved = all.filter(([, { epoch }]) => epoch !== FOLLOWED);
    if (moved.length === 0) return;
    const kept = await session.query<{ partition: number }>(this.sql.save, [
      this.options.reader,
      moved.map(([partition]) => partition),
      moved.map(([, { epoch }]) => epoch),
      moved.map(([, { ahead }]) => ahead.last),
      moved.map(([, { ahead }]) => ahead.win),
      moved.map(([, { ahead }]) => ahead.position),
    ]);
    if (kept.length < moved.length) {
      const mine = new Set(kept.map(({ partition }) => partition));
      const lost = moved.map(([partition]) => partition).filter((partition) => !mine.has(partition));
      throw new LeaseLostError(`${this.options.reader} lost partition ${lost.join(', ')} of ${this.options.log}`);
    }
    for (const [, cursor] of moved) cursor.saved = cursor.ahead;
  }

  /** Goes back to the lasting places. */
  rewind(partitions: readonly number[] = this.partitions): void {
    for (const partition of partitions) {
      const cursor = this.owned.get(partition);
      if (cursor) cursor.ahead = cursor.saved;
    }
  }

  /** Forgets partitions without telling the database, after their lease was lost. */
  forget(partitions: readonly number[] = this.partitions): void {
    for (const partition of partitions) this.owned.delete(partition);
  }

  /** Gives partitions back, at their lasting places. */
  async release(partitions: readonly number[] = this.partitions): Promise<void> {
    if (partitions.length === 0) return;
    const [names, epochs] = this.epochs(partitions);
    this.forget(partitions);
    await this.options.database.query(this.sql.release, [this.options.reader, names, epochs]);
  }

  private epochs(partitions: readonly number[]): [number[], number[]] {
    const owned = partitions.flatMap((partition) => {
      const cursor = this.owned.get(partition);
      return cursor ? [{ partition, epoch: cursor.epoch }] : [];
    });
    return [owned.map(({ partition }) => partition), owned.map(({ epoch }) => epoch)];
  }

  private keep(rows: readonly { partition: number }[]): void {
    const kept = new Set(rows.map(({ partition }) => partition));
    this.forget(this.partitions.filter((partition) => !kept.has(partition)));
  }

  private async read(
    pages: Map<number, LogRecord[]>,
    cursors: readonly { partition: number; place: Place }[],
    limit: number,
    how: How,
    to?: string,
  ): Promise<void> {
    if (cursors.length === 0) return;
    const partitions = cursors.map(({ partition }) => partition);
    const column = (name: keyof Place) => cursors.map(({ place }) => place[name]);
    const { topics } = this;
    const { database } = this.options;
    const values = {
      open: [partitions, column('last'), column('floor'), limit, topics],
      openTo: [partitions, column('last'), column('floor'), limit, topics, to],
      next: [partitions, column('last'), column('win'), column('position'), limit, topics],
      replay: [partitions, column('position'), column('floor'), limit, topics],
    }[how];
    const rows = await database.query<RecordRow>(this.sql[how], values);
    const opens = how === 'open' || how === 'openTo';
    const win = opens ? rows[0]!.win : null;
    for (const { partition } of cursors) pages.set(partition, []);
    if (opens && win === null) return;
    for (const row of rows) if (row.position !== null) pages.get(row.partition)!.push(record(row, row.position));
    for (const { partition, place } of cursors) {
      const page = pages.get(partition)!;
      const cursor = this.owned.get(partition);
      if (cursor?.ahead === place) cursor.ahead = after(place, how, win, page, limit);
    }
  }

  private async adopt(partition: number, epoch: number): Promise<Place> {
    return this.options.database.transact(async (session) => {
      await session.query(this.sql.adoptLock);
      const [place] = await session.query<Omit<Place, 'win'>>(this.sql.adopt, [this.options.reader, partition, epoch]);
      if (!place) throw new LeaseLostError(`partition ${partition} was taken over while it was adopted`);
      await session.query(this.sql.raisePositions, [place.floor]);
      return { ...place, win: null };
    });
  }
}

/** The place behind a page. A short page has emptied its window. */
function after(place: Place, how: How, win: string | null, page: LogRecord[], limit: number): Place {
  const full = isFull(page, limit);
  const position = page.at(-1)?.position ?? place.position;
  if (how === 'replay') return { ...place, position: full ? position : place.floor };
  const window = win ?? place.win!;
  if (full) return { ...place, win: window, position };
  return { ...place, last: window, win: null, position };
}

function record(row: RecordRow, position: number): LogRecord {
  const { id, topic, key, headers, body, created_at } = row;
  return { position, id, topic, key, headers: textual(headers), body, time: created_at };
}

/** What reads a message counts on texts, and one row that breaks it would hold up its partition for ever. */
function textual(headers: unknown): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** The columns of `append` for messages. */
export function logColumns(entries: readonly (Message & { id: string; partition: number })[]): unknown[] {
  return [
    entries.map(({ partition }) => partition),
    entries.map(({ id }) => id),
    entries.map(({ topic }) => topic),
    entries.map(({ key }) => key),
    entries.map(({ headers }) => JSON.stringify(headers)),
    entries.map(({ body }) => Buffer.from(body)),
  ];
}
