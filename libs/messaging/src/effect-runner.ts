import { Batcher, bisect } from './batcher';
import { encode, type Publisher } from './cloud-events';
import type { Cause, EffectHandler, Tables } from './decision';
import { unionKeys, Workspace } from './pipeline/workspace';
import type { Observer, Runtime } from './ports/runtime';
import { StoreError, type EffectEntry, type OpenEffect, type OutboxEntry, type Store, type Tx } from './ports/store';
import { noTracer, type Tracer } from './ports/tracer';
import { backoff } from './retry-policy';
import { callSpan } from './tracing/spans';

export interface EffectRunnerOptions<T extends Tables> extends Publisher {
  tables: T;
  handlers: readonly EffectHandler<T>[];
  store: Store;
  runtime: Runtime;
  observer: Observer;
  /** Most calls at the same time. */
  parallel: number;
  tracer?: Tracer;
}

/** A claim that ends before its call means a repeated call with the same key; so calls are told to end earlier. */
const LEASE_MS = 60_000;
const CALL_MS = 15_000;
const POLL_MS = 500;
/** As long as a call takes that is answered at once. */
const GATHER_MS = 20;
const RETRY_CAP_MS = 60_000;
/** So many effects whose calls have no answer, and none has one meanwhile: then the outside is taken to be away. */
export const AWAY_AFTER = 10;
/** How often all processes of the service together call one that is away, and how often one tells that it is there. */
const PROBE_MS = 1_000;

interface Answered {
  effect: OpenEffect;
  answer: unknown;
}

/**
 * Makes the calls that decisions intended. A definite answer closes the effect, in one transaction with what it leads
 * to; anything else leaves it open, to be called again with the same idempotency key.
 */
export class EffectRunner<T extends Tables> {
  private readonly handlers: ReadonlyMap<string, EffectHandler<T>>;
  private readonly running = new Set<Promise<void>>();
  /** Called here, and not ended. A claim that ran out is taken anew: that is no reason to make the call again. */
  private readonly inHand = new Map<string, OpenEffect>();
  /** Closed since the last claim was asked for, which may have been granted before. */
  private readonly closedMeanwhile = new Set<string>();
  /** Effects whose calls have had no definite answer since another had one. */
  private readonly unanswered = new Set<string>();
  private answeredAt = -Infinity;
  private toldAt = -Infinity;
  private isAway = false;
  /** Aborted when there may be something to claim that was not there when the last claim was asked for. */
  private pause = new AbortController();
  private readonly closer: Batcher<Answered, Error | null>;

  constructor(private readonly options: EffectRunnerOptions<T>) {
    this.handlers = new Map(options.handlers.map((handler) => [handler.kind, handler]));
    this.closer = new Batcher((answers) => this.close(answers), options.parallel);
  }

  /** Runs until the signal is aborted, then lets the running calls end and records their answers. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, runtime, observer } = this.options;
    signal.addEventListener('abort', () => this.pause.abort());
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.slots();
        await this.lookOutside();
        if (signal.aborted) break;
        this.pause = new AbortController();
        this.closedMeanwhile.clear();
        const free = this.options.parallel - this.running.size;
        const claimed = this.isAway
          ? await store.probeOutside(this.kinds, LEASE_MS, PROBE_MS, this.madeBefore(1))
          : await store.claimEffects(this.kinds, free, LEASE_MS, this.madeBefore(1), this.madeBefore(0));
        if (claimed === 'back') {
          this.unanswered.clear();
          continue;
        }
        for (const effect of claimed) if (this.isNews(effect)) this.start(effect, signal);
        failures = 0;
        if (this.isAway) await runtime.sleep(PROBE_MS, signal);
        else if (claimed.length < free) await store.wait('effects', POLL_MS, this.pause.signal);
      } catch (error) {
        observer.loopFailed('effects', error as Error);
        await runtime.sleep(backoff(++failures, runtime.random(), 100, 2_000), signal);
      }
    }
    await Promise.all(this.running);
  }

  /** Waits for free ones, and a little for some more: a claim costs the same for one effect as for many. */
  private async slots(): Promise<void> {
    const { parallel, runtime } = this.options;
    while (this.running.size >= parallel) await Promise.race(this.running);
    const few = Math.floor(parallel / 4);
    if (parallel - this.running.size < few) await runtime.sleep(GATHER_MS);
  }

  /**
   * One that is away is not stormed: a call now and then finds out when it is back. Whoever has an answer tells the others
   * of the service, even if it never took the outside to be away: one of them may.
   */
  private async lookOutside(): Promise<void> {
    const { store, runtime, observer } = this.options;
    const isAway = this.unanswered.size >= AWAY_AFTER;
    const now = runtime.elapsed();
    const hasNews = this.answeredAt > this.toldAt && now - this.toldAt >= PROBE_MS;
    if (isAway && !this.isAway) await store.outsideIsAway();
    if (!isAway && (this.isAway || hasNews)) {
      await store.outsideIsBack();
      this.toldAt = now;
    }
    if (isAway === this.isAway) return;
    this.isAway = isAway;
    observer.outsideAway(isAway);
  }

  /**
   * How many of the calls that were made before may be made now. Half of the slots are for what was never called, so that calls
   * that hang take up no more than the other half; and that one is theirs, however many new ones wait.
   * @param least slots of theirs: where there is one slot for all, they may have it, and have no right to it
   */
  private madeBefore(least: 0 | 1): number {
    const half = Math.max(least, Math.floor(this.options.parallel / 2));
    return Math.max(0, half - [...this.inHand.values()].filter(({ attempts }) => attempts > 0).length);
  }

  private get kinds(): string[] {
    return [...this.handlers.keys()];
  }

  private isNews({ id }: OpenEffect): boolean {
    return !this.inHand.has(id) && !this.closedMeanwhile.has(id);
  }

  private start(effect: OpenEffect, stopping: AbortSignal): void {
    const { observer, tracer = noTracer } = this.options;
    this.inHand.set(effect.id, effect);
    const span = callSpan(tracer, effect);
    const run = this.make({ ...effect, traceparent: span.traceparent }, stopping)
      .then(
        (failure) => span.end(failure && { error: failure }),
        (error: unknown) => {
          span.end({ error: error as Error });
          observer.loopFailed('effects', error as Error);
        },
      )
      .finally(() => {
        this.running.delete(run);
        this.inHand.delete(effect.id);
        if (effect.attempts > 0) this.pause.abort();
      });
    this.running.add(run);
  }

  /** Resolves with why it has to be made again; undefined when it need not. */
  private async make(effect: OpenEffect, stopping: AbortSignal): Promise<Error | undefined> {
    const { runtime, observer, store } = this.options;
    const since = runtime.elapsed();
    let { answer } = effect;
    let failure: Error | null = null;
    try {
      if (answer === undefined) {
        answer = await this.call(effect);
        this.unanswered.clear();
        this.answeredAt = runtime.elapsed();
      }
    } catch (error) {
      failure = error as Error;
      // What was called before another was answered tells of that call, and not of the outside.
      if (since >= this.answeredAt) this.unanswered.add(effect.id);
      observer.effectFailed(effect, failure, runtime.elapsed() - since);
    }
    if (!failure) {
      failure = await this.record({ effect, answer }, stopping);
      if (!failure) {
        this.closedMeanwhile.add(effect.id);
        observer.effectDone(effect, runtime.elapsed() - since);
        return undefined;
      }
      observer.answerFailed(effect, failure);
    }
    const delayMs = backoff(effect.attempts + 1, runtime.random(), 200, RETRY_CAP_MS);
    await store.deferEffect(effect.id, `${failure.name}: ${failure.message}`, delayMs, answer);
    return failure;
  }

  private call({ kind, input, idempotencyKey, attempts }: OpenEffect): Promise<unknown> {
    const signal = this.options.runtime.timeout(CALL_MS);
    return this.handlers.get(kind)!.call(input, { idempotencyKey, attempt: attempts + 1, signal });
  }

  /** Records an answer, and keeps it while the database is away: for a mail, asking again would send it again. */
  private async record(answered: Answered, stopping: AbortSignal): Promise<Error | null> {
    const { runtime, observer } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.closer.submit(answered);
      } catch (error) {
        if (stopping.aborted) throw error;
        observer.held(1, error as Error);
        await runtime.sleep(backoff(attempt, runtime.random(), 100, 5_000), stopping);
      }
    }
  }

  private close(answers: readonly Answered[]): Promise<(Error | null)[]> {
    const { store } = this.options;
    return bisect<Answered, Error | null>(
      answers,
      (some) => store.transact((tx) => this.decide(tx, some)),
      (error) => !(error instanceof StoreError) || error.kind === 'rejected',
      (_, error) => error as Error,
    );
  }

  private async decide(tx: Tx, answers: readonly Answered[]): Promise<null[]> {
    const { tables, source, maxEventBytes, runtime } = this.options;
    const keys = answers.map(({ effect }) => this.handlers.get(effect.kind)!.keys(effect.input));
    const ids = answers.map(({ effect }) => effect.id);
    // Only the runner that closes an effect may act on its answer; a second one finds it closed.
    const [rows, closed] = await Promise.all([tx.lock(tables, unionKeys(tables, keys)), tx.closeEffects(ids)]);
    const workspace = new Workspace(tables, rows);
    const events: OutboxEntry[] = [];
    const effects: EffectEntry[] = [];
    for (const { effect, answer } of answers) {
      if (!closed.has(effect.id)) continue;
      const decision = this.handlers.get(effect.kind)!.decide(workspace.rows, effect.input, answer);
      workspace.apply(decision.rows);
      const { causationid, traceparent } = effect;
      const cause: Cause = { ...(causationid && { causationid }), ...(traceparent && { traceparent }) };
      const origin = { source, maxEventBytes, ...cause };
      for (const event of decision.events ?? []) events.push(encode(event, runtime.eventId(), origin));
      for (const next of decision.effects ?? []) effects.push({ ...next, ...cause });
    }
    await Promise.all([tx.write(tables, workspace.writes()), tx.intend(effects), tx.append(events)]);
    return answers.map(() => null);
  }
}
