import { CLAIM_MS, type Source } from './consumer';
import type { Connection } from './connection';
import { FORGET, run } from './scripts';
import type { Entry, RawEntry, RawStreams, Wire } from './wire';

export interface MemberOptions {
  group: string;
  streams: readonly string[];
  /** The name of this member, which no other has. */
  name: string;
  wire: Wire;
  /** For what waits for messages, which nothing can be said on meanwhile. */
  reader: Connection;
  connection: Connection;
}

/** How long the server waits for a message. */
export const BLOCK_MS = 500;
/** The same where there is room for some streams only: the others are not to wait for them. */
const TURN_MS = 20;
/** How often is looked for what others have given back or left. */
const LOOK_MS = 500;
/** The consumer of a group that has what was given back. Nobody reads in its name. */
const NOBODY = 'given-back';

/** One member of a group: reads what no other has, and takes over what others have left. */
export class Member implements Source {
  /** In turn, so that none is last for ever. */
  private streams: readonly string[];
  private looked = -Infinity;

  constructor(private readonly options: MemberOptions) {
    this.streams = options.streams;
  }

  async read(room: number): Promise<Entry[]> {
    this.streams = [...this.streams.slice(1), ...this.streams.slice(0, 1)];
    const left = await this.takeOver(room);
    return left.length > 0 ? left : this.fresh(room);
  }

  async acknowledge(entries: readonly Entry[]): Promise<void> {
    await this.each(entries, (stream, ids) => ['XACK', stream, this.options.group, ...ids]);
  }

  /** The server acknowledges for whoever asks, also what another has taken over meanwhile: only the first is told 1. */
  async acknowledgeEach(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const { connection, group } = this.options;
    const replies = await Promise.allSettled(
      entries.map(({ stream, id }) => connection.command<number>(['XACK', stream, group, id])),
    );
    const ours = entries.filter((_, index) => {
      const reply = replies[index]!;
      return reply.status === 'fulfilled' && reply.value === 1;
    });
    const failed = replies.find((reply) => reply.status === 'rejected');
    if (ours.length === 0 && failed) throw failed.reason;
    return ours;
  }

  /** To nobody, and as if that one had been silent for a while: whoever looks takes it over. */
  async giveBack(entries: readonly Entry[], pauseMs: number): Promise<void> {
    const idle = String(CLAIM_MS - pauseMs);
    await this.each(entries, (stream, ids) => this.claim(NOBODY, stream, ids, '0', 'IDLE', idle, 'JUSTID'));
  }

  /** To claim what one has begins its time anew. */
  async keep(entries: readonly Entry[]): Promise<void> {
    await this.each(entries, (stream, ids) => this.claim(this.options.name, stream, ids, '0', 'JUSTID'));
  }

  stop(): Promise<void> {
    return this.options.reader.close();
  }

  async leave(): Promise<void> {
    const { streams, group, connection } = this.options;
    await Promise.all(streams.map((stream) => connection.command(run(FORGET, [stream], [group]))));
  }

  /** The server gives as much as that of each stream. */
  private async fresh(room: number): Promise<Entry[]> {
    const { group, name, reader, wire } = this.options;
    const some = this.streams.slice(0, room);
    const count = Math.floor(room / some.length);
    const blockMs = some.length < this.streams.length ? TURN_MS : BLOCK_MS;
    const limits = ['COUNT', String(count), 'BLOCK', String(blockMs)];
    const words = ['XREADGROUP', 'GROUP', group, name, ...limits, 'STREAMS', ...some, ...some.map(() => '>')];
    return wire.entries(await reader.command<RawStreams>(words, { bytes: true, blockMs }));
  }

  private async takeOver(room: number): Promise<Entry[]> {
    const { group, name, reader, wire } = this.options;
    if (performance.now() < this.looked + LOOK_MS) return [];
    this.looked = performance.now();
    const taken: Entry[] = [];
    for (const stream of this.streams) {
      if (taken.length === room) break;
      const limits = ['IDLE', String(CLAIM_MS), '-', '+', String(room - taken.length)];
      const left = await reader.command<Pending[]>(['XPENDING', stream, group, ...limits]);
      if (left.length === 0) continue;
      const deliveries = new Map(left.map(([id, , , times]) => [id, times]));
      // Another may have been faster: only what is still idle is claimed.
      const words = this.claim(name, stream, [...deliveries.keys()], String(CLAIM_MS));
      for (const raw of await reader.command<RawEntry[]>(words, { bytes: true }))
        taken.push(wire.entry(stream, raw, (deliveries.get(raw[0].toString()) ?? 0) + 1));
    }
    return taken;
  }

  private claim(name: string, stream: string, ids: readonly string[], idleMs: string, ...more: string[]): string[] {
    return ['XCLAIM', stream, this.options.group, name, idleMs, ...ids, ...more];
  }

  /** One command for each stream. */
  private async each(entries: readonly Entry[], words: (stream: string, ids: string[]) => string[]): Promise<void> {
    const ids = new Map<string, string[]>();
    for (const { stream, id } of entries) ids.set(stream, [...(ids.get(stream) ?? []), id]);
    await Promise.all([...ids].map(([stream, some]) => this.options.connection.command(words(stream, some))));
  }
}

type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];
