import { bisect } from '../batcher';
import type { Caution } from '../caution';
import type { Tables } from '../decision';
import { holding } from '../holding';
import type { Observer, Runtime } from '../ports/runtime';
import { StoreError, type InboxEntry, type Store } from '../ports/store';
import { noTracer, type Tracer } from '../ports/tracer';
import type { Message } from '../ports/transport';
import { endProcessSpan, processSpan } from '../tracing/spans';
import { begun } from './alone';
import { read, type Arrival } from './arrival';
import { knownOf } from './known';
import { decideBatch, expired, failed, isNews, isTooOld, told, type Consumer, type Outcome } from './decide-batch';

export interface PipelineOptions<T extends Tables> {
  consumer: Consumer<T>;
  store: Store;
  runtime: Runtime;
  observer: Observer;
  /** While it is on, each event is tried alone. Without it none is, but those that have ended a process before. */
  caution?: Pick<Caution, 'isOn'>;
  tracer?: Tracer;
}

const RETRIES_AT_ONCE = 100;

/**
 * Takes batches from a transport into the inbox. `handle` resolves only when every message of the batch is in it, in
 * whatever state; only then may the transport acknowledge.
 */
export class Pipeline<T extends Tables> {
  constructor(private readonly options: PipelineOptions<T>) {}

  /** Rejects when the database stayed away for so long that the batch should go back to the broker, or on `signal`. */
  async handle(batch: readonly Message[], signal?: AbortSignal): Promise<void> {
    const arrivals = batch.map((message) => this.traced(read(message)));
    await endingSpans(arrivals, this.isCautious ? this.takeAlone(arrivals, signal) : this.take(arrivals, signal));
  }

  /** Tries the events again whose time has come. Returns how many there were. */
  async retryDue(signal?: AbortSignal): Promise<number> {
    const { store, consumer } = this.options;
    const due = await store.dueRetries(consumer.group, RETRIES_AT_ONCE);
    if (due.length === 0) return 0;
    const arrivals: Arrival[] = [];
    for (const { id, message, ...tries } of due) {
      const arrival = read(message, tries);
      // Whoever filed it may have been able to read what this process cannot: it stays the event that it is.
      if (arrival.id === id || !arrival.reading.ok) arrivals.push(this.traced({ ...arrival, id }));
      else await this.takeAnew(id, message, signal);
    }
    const isSuspect = ({ crashes }: Arrival) => this.isCautious || crashes !== undefined;
    const others = arrivals.filter((arrival) => !isSuspect(arrival));
    if (others.length > 0) await endingSpans(others, this.take(others, signal));
    const suspects = arrivals.filter(isSuspect);
    await endingSpans(suspects, this.takeAlone(suspects, signal));
    return due.length;
  }

  /** What follows from it hangs on the span of this try. */
  private traced(arrival: Arrival): Arrival {
    const { tracer = noTracer, consumer } = this.options;
    const span = processSpan(tracer, consumer.group, arrival);
    return { ...arrival, span, traceparent: span.traceparent };
  }

  /** What could not be read goes by its bytes. Now that it can be, it comes in as the event that it is, and the letter is done with. */
  private async takeAnew(letter: string, message: Message, signal?: AbortSignal): Promise<void> {
    await this.handle([message], signal);
    const { store, consumer } = this.options;
    const { topic, key } = message;
    await store.transact((tx) =>
      tx.take(consumer.group, [{ id: letter, topic, key, state: 'applied', retried: true }]),
    );
  }

  private get isCautious(): boolean {
    return this.options.caution?.isOn ?? false;
  }

  private async take(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<void> {
    const outcomes = await this.outcomesOf(arrivals, (some) => this.decide(some, signal), signal).catch(
      (error: unknown) => {
        if (!isContended(error)) throw error;
        return this.singly(arrivals, error, signal);
      },
    );
    this.tell(outcomes);
  }

  private tell(outcomes: readonly Outcome[]): void {
    const { consumer, observer } = this.options;
    for (const outcome of outcomes) {
      const { arrival, state, error } = outcome;
      endProcessSpan(outcome);
      consumer.atLeastOnce?.note(arrival);
      observer.handled(arrival, state, error);
    }
  }

  /** One after the other, so that if this process ends the one that it was at is known. */
  private async takeAlone(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<void> {
    for (const arrival of arrivals) {
      // Of what cannot be read no handler is asked.
      if (arrival.reading.ok) this.tell([await this.tryAlone(arrival, signal)]);
      else await this.take([arrival], signal);
    }
  }

  /** Commits that the try has begun, and then tries. */
  private async tryAlone(arrival: Arrival, signal?: AbortSignal): Promise<Outcome> {
    const { entry, error } = begun(arrival);
    const filed = await this.file(arrival, entry, error, signal);
    if (filed.state !== 'retrying') return filed;
    const trying = { ...arrival, again: true };
    const [outcome] = await this.outcomesOf([trying], (one) => this.transact(one), signal).catch(
      // Nobody's fault, and this process lives: as if it had not been begun.
      async (error: unknown) => [await this.fail(trying, error as Error, signal, false)],
    );
    return { ...outcome!, arrival };
  }

  /** What the data itself is to blame for is narrowed down to the event it came with. */
  private outcomesOf(
    arrivals: readonly Arrival[],
    decide: (arrivals: readonly Arrival[]) => Promise<Outcome[]>,
    signal?: AbortSignal,
  ): Promise<Outcome[]> {
    return bisect<Arrival, Outcome>(arrivals, decide, isOwnFault, (one, error) =>
      this.fail(one, error as Error, signal),
    );
  }

  /**
   * After a batch was in the way of somebody for too long: each event by itself, once. One that fails while others commit
   * has itself to blame; when all fail, nobody has, and the batch goes back to the broker.
   */
  private async singly(arrivals: readonly Arrival[], reason: StoreError, signal?: AbortSignal): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const culprits: Arrival[] = [];
    for (const arrival of arrivals) {
      try {
        outcomes.push(...(await this.outcomesOf([arrival], (one) => this.transact(one), signal)));
      } catch (error) {
        if (!isContended(error)) throw error;
        culprits.push(arrival);
      }
    }
    const [lone] = arrivals;
    // Nobody else can say whether it is to blame: it waits where it is in nobody's way, and nothing is counted.
    if (arrivals.length === 1 && lone) return [await this.fail(lone, reason, signal, false)];
    if (outcomes.length === 0) throw reason;
    for (const culprit of culprits) outcomes.push(await this.fail(culprit, reason, signal));
    return outcomes;
  }

  /** Decides as often as it takes while the failure is nobody's fault. */
  private decide(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<Outcome[]> {
    return this.holding(arrivals.length, signal, () => this.transact(arrivals));
  }

  private transact(arrivals: readonly Arrival[]): Promise<Outcome[]> {
    const { store, consumer, runtime } = this.options;
    return store.transact((tx) => decideBatch(tx, consumer, arrivals, runtime));
  }

  /** Files a failure that happened in the database and not in the decision, in a transaction without the decision. */
  private fail(arrival: Arrival, error: Error, signal?: AbortSignal, counts = true): Promise<Outcome> {
    const { consumer, runtime } = this.options;
    return this.file(arrival, failed(consumer, arrival, error, runtime, counts), error, signal);
  }

  /** Takes an event in as what it has come to without a decision, if the inbox still waits for one. */
  private file(arrival: Arrival, entry: InboxEntry, error: Error, signal?: AbortSignal): Promise<Outcome> {
    const { store, consumer, runtime } = this.options;
    return this.holding(1, signal, () =>
      store.transact(async (tx) => {
        const known = (await knownOf(tx, consumer, [arrival])).get(arrival.id);
        if (isTooOld(arrival, known)) {
          await tx.take(consumer.group, [expired(arrival)]);
          return { arrival, state: 'expired' };
        }
        if (!isNews(arrival, known)) return { arrival, state: 'duplicate' };
        await tx.take(consumer.group, [entry]);
        // No lock of its key is held: whoever has it in hand may have applied it since it was looked for.
        const now = (await tx.held(consumer.group, [entry.id])).get(entry.id);
        if (now === 'applied' || now === 'discarded') return { arrival, state: 'duplicate' };
        await tx.append(told(consumer, entry, runtime));
        return { arrival, state: entry.state, error };
      }),
    );
  }

  /** Repeats `work` while the database is away or in the way of itself. */
  private holding<R>(count: number, signal: AbortSignal | undefined, work: () => Promise<R>): Promise<R> {
    const { runtime, observer } = this.options;
    return holding({ runtime, signal, held: (error) => observer.held(count, error) }, work);
  }
}

/** What could not be taken in goes back to where it came from, and its spans say why. */
async function endingSpans(arrivals: readonly Arrival[], work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    for (const { span } of arrivals) span?.end({ error: error as Error });
    throw error;
  }
}

/** Repeating does not cure it. */
function isOwnFault(error: unknown): boolean {
  return !(error instanceof StoreError) || error.kind === 'rejected';
}

function isContended(error: unknown): error is StoreError {
  return error instanceof StoreError && error.kind === 'contended';
}
