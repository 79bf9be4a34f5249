import {
  backoff,
  KeyLanes,
  redeliveryPause,
  systemRuntime,
  type Subscribe,
  type Subscription,
} from '@order-events/messaging';
import type { Entry } from './wire';

/** After this time without a sign of life of whoever has it in hand, an entry is anybody's. */
export const CLAIM_MS = 10_000;

/** Where a consumer's entries come from. */
export interface Source {
  /** Waits for entries, but not for long. @param room most of them */
  read(room: number): Promise<Entry[]>;
  acknowledge(entries: readonly Entry[]): Promise<void>;
  /** @returns those that were acknowledged by this call and by nobody before, as far as the server has said */
  acknowledgeEach(entries: readonly Entry[]): Promise<readonly Entry[]>;
  /** They come again, to whoever has room. @param pauseMs not before, milliseconds; at most `CLAIM_MS` */
  giveBack(entries: readonly Entry[], pauseMs: number): Promise<void>;
  /** Says that they are still in hand. */
  keep(entries: readonly Entry[]): Promise<void>;
  /** Nothing is read any more. */
  stop(): Promise<void>;
  /** Nothing is in hand any more. */
  leave(): Promise<void>;
}

export interface ConsumerOptions extends Subscribe {
  source: Source;
  onError(error: Error): void;
}

/** Hands over what one source gives. What it holds survives a change of the connection. */
export class Consumer implements Subscription {
  private readonly stop = new AbortController();
  /** By stream and id. */
  private readonly held = new Map<string, Entry>();
  private readonly lanes: KeyLanes<Entry>;
  private readonly claim: NodeJS.Timeout;
  private readonly running: Promise<void>;
  private wake = () => {};
  private closing: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    this.lanes = new KeyLanes({ ...options, run: (batch) => this.hand(batch) });
    this.claim = setInterval(() => void this.tried(options.source.keep([...this.held.values()])), CLAIM_MS / 3);
    this.running = this.run();
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    const { source } = this.options;
    this.stop.abort();
    this.wake();
    const unhandled = this.giveBack(this.lanes.clear(), 0);
    await this.running;
    await source.stop();
    await Promise.all([unhandled, this.lanes.idle()]);
    clearInterval(this.claim);
    await this.tried(source.leave());
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    const { source, inFlight, onError } = this.options;
    for (let failures = 0; !signal.aborted;) {
      const room = inFlight - this.held.size;
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      try {
        await this.take(await source.read(room));
        failures = 0;
      } catch (error) {
        onError(error as Error);
        await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
      }
    }
  }

  private async take(entries: readonly Entry[]): Promise<void> {
    if (this.stop.signal.aborted) return this.giveBack(entries, 0);
    for (const entry of entries) {
      // One whose sign of life came late is taken over from ourselves.
      if (this.held.has(nameOf(entry))) continue;
      this.held.set(nameOf(entry), entry);
      this.lanes.add(entry);
    }
  }

  private async hand(batch: readonly Entry[]): Promise<void> {
    const { handle, source, onError, acknowledgeFirst } = this.options;
    if (acknowledgeFirst) return this.acknowledgeAndHand(batch).catch(onError);
    try {
      await handle(batch.map(({ message }) => message));
      // Those that cannot be acknowledged come again.
      await this.tried(source.acknowledge(batch));
    } catch (error) {
      onError(error as Error);
      const pause = ({ deliveries }: Entry) => Math.min(redeliveryPause(deliveries), CLAIM_MS);
      await Promise.all(batch.map((entry) => this.giveBack([entry], pause(entry))));
    }
    this.release(batch);
  }

  /** What is not known to be acknowledged comes again. */
  private async acknowledgeAndHand(batch: readonly Entry[]): Promise<void> {
    const ours = await this.options.source.acknowledgeEach(batch).finally(() => this.release(batch));
    if (ours.length > 0) await this.options.handle(ours.map(({ message }) => message));
  }

  private async giveBack(entries: readonly Entry[], pauseMs: number): Promise<void> {
    // First, so that no sign of life follows.
    this.release(entries);
    await this.tried(this.options.source.giveBack(entries, pauseMs));
  }

  private release(entries: readonly Entry[]): void {
    for (const entry of entries) this.held.delete(nameOf(entry));
    this.wake();
  }

  /** Tells of what fails; without it too the server gives everything to somebody in the end. */
  private async tried(what: Promise<void>): Promise<void> {
    await what.catch(this.options.onError);
  }
}

const nameOf = ({ stream, id }: Entry) => `${stream} ${id}`;
