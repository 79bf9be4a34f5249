import { asPublished } from './cloud-events';
import { isFull } from './page';
import type { Observer, Runtime } from './ports/runtime';
import type { LogReader, LogRecord, Refused, Store } from './ports/store';
import { noTracer, type Tracer } from './ports/tracer';
import type { Transport } from './ports/transport';
import { tellRefused } from './refused';
import { backoff } from './retry-policy';
import { sendSpan } from './tracing/spans';

export interface RelayOptions {
  store: Pick<Store, 'outbox' | 'wait'>;
  transport: Pick<Transport, 'publish'>;
  runtime: Runtime;
  observer: Pick<Observer, 'published' | 'publishFailed' | 'refused' | 'loopFailed'>;
  /** Most records published at once. */
  batch: number;
  tracer?: Tracer;
}

const LEASE_MS = 10_000;
/** How often a place without news is looked at: the truth behind every wake-up that may get lost. */
const POLL_MS = 500;

/**
 * Publishes the outbox. Any number of relays may run; the one with the lease works. The place moves only past records
 * that the broker has proved to hold, or has refused for their own sake, so a crash repeats a page and never skips one.
 */
export class Relay {
  constructor(private readonly options: RelayOptions) {}

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, runtime, observer } = this.options;
    const reader = store.outbox();
    for (let failures = 0; !signal.aborted;) {
      try {
        // Whoever has no lease is not woken by every event, only looks now and then whether it has become free.
        if (!(await reader.lease(LEASE_MS))) await runtime.sleep(POLL_MS, signal);
        else if (!(await this.publishPage(reader, signal))) await store.wait('outbox', POLL_MS, signal);
        failures = 0;
      } catch (error) {
        observer.loopFailed('relay', error as Error);
        reader.rewind();
        await runtime.sleep(backoff(++failures, runtime.random(), 100, 2_000), signal);
      }
    }
    // Without a database the lease ends with the connection.
    await reader.release().catch((error: unknown) => observer.loopFailed('relay', error as Error));
  }

  /** Returns whether there may be more. */
  private async publishPage(reader: LogReader, signal: AbortSignal): Promise<boolean> {
    const page = await reader.page(this.options.batch);
    if (page.length === 0) return false;
    const refused = await this.publish(reader, page, signal);
    if (refused === 'stopped') {
      reader.rewind();
      return false;
    }
    await reader.commit(refused);
    return isFull(page, this.options.batch);
  }

  /** Publishes until each record is stored or refused. */
  private async publish(reader: LogReader, page: readonly LogRecord[], signal: AbortSignal) {
    const { transport, runtime, observer, tracer = noTracer } = this.options;
    // What is not settled here is not told: whoever publishes it again does.
    const spans = new Map(page.map((record) => [record, sendSpan(tracer, record)]));
    const refused: Refused[] = [];
    let pending = page;
    for (let attempt = 1; pending.length > 0; attempt++) {
      const settlements = await transport.publish(pending.map(asPublished));
      const open: LogRecord[] = [];
      let stored = 0;
      let detail = '';
      for (const [index, record] of pending.entries()) {
        const settlement = settlements[index]!;
        if (settlement.stored) {
          stored++;
          spans.get(record)!.end();
        } else {
          detail = settlement.detail;
          if (settlement.problem === 'refused') {
            refused.push({
              record,
              error: detail,
              told: tellRefused(reader.letters, record, { error: detail, attempts: 1 }, runtime),
            });
            spans.get(record)!.end({ error: new Error(detail) });
            observer.refused(record, detail);
          } else open.push(record);
        }
      }
      observer.published(stored);
      pending = open;
      if (open.length === 0) break;
      observer.publishFailed(open.length, detail);
      if (signal.aborted) return 'stopped';
      await runtime.sleep(backoff(attempt, runtime.random(), 100, 2_000), signal);
      if (signal.aborted || !(await reader.lease(LEASE_MS))) return 'stopped';
    }
    return refused;
  }
}
