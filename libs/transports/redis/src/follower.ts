import { systemRuntime } from '@order-events/messaging';
import type { Connection } from './connection';
import type { Source } from './consumer';
import { BLOCK_MS } from './member';
import type { Entry, RawStreams, Wire } from './wire';

/** Reads a copy of what comes from now on. Nobody else knows of it: there is nothing to acknowledge, and nothing to leave. */
export class Follower implements Source {
  /** By stream, the id after which it reads on. */
  private readonly places = new Map<string, string>();
  /** What a handler gave back. */
  private again: Entry[] = [];
  private readonly stopped = new AbortController();

  constructor(
    private readonly reader: Connection,
    private readonly wire: Wire,
    private readonly streams: readonly string[],
  ) {}

  /** Finds the ends of the streams. Whatever is added after it has resolved is read. */
  async open(): Promise<void> {
    for (const stream of this.streams) {
      if (this.places.has(stream)) continue;
      const [last] = await this.reader.command<[string][]>(['XREVRANGE', stream, '+', '-', 'COUNT', '1']);
      this.places.set(stream, last?.[0] ?? '0-0');
    }
  }

  async read(room: number): Promise<Entry[]> {
    if (this.again.length > 0) return this.again.splice(0, room);
    await this.open();
    const some = [...this.places].slice(0, room);
    const limits = ['COUNT', String(Math.floor(room / some.length)), 'BLOCK', String(BLOCK_MS)];
    const words = ['XREAD', ...limits, 'STREAMS', ...some.map(([stream]) => stream), ...some.map(([, id]) => id)];
    const entries = this.wire.entries(await this.reader.command<RawStreams>(words, { bytes: true, blockMs: BLOCK_MS }));
    // The next read begins with the others.
    for (const [stream, id] of some) {
      this.places.delete(stream);
      this.places.set(stream, entries.findLast((entry) => entry.stream === stream)?.id ?? id);
    }
    return entries;
  }

  async giveBack(entries: readonly Entry[], pauseMs: number): Promise<void> {
    await systemRuntime.sleep(pauseMs, this.stopped.signal);
    this.again.push(...entries.map((entry) => ({ ...entry, deliveries: entry.deliveries + 1 })));
  }

  acknowledge = () => Promise.resolve();
  acknowledgeEach = (entries: readonly Entry[]) => Promise.resolve(entries);
  keep = () => Promise.resolve();
  leave = () => Promise.resolve();

  stop(): Promise<void> {
    this.stopped.abort();
    return this.reader.close();
  }
}
