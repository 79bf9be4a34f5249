import { repliesTo, requestsTo, type ReplyData, type RequestData, type RequestRegistry } from '@order-events/contracts';
import { Batcher } from '../batcher';
import type { Runtime } from '../ports/runtime';
import { noTracer, type Tracer } from '../ports/tracer';
import type { Message, Settlement, Subscription, Transport } from '../ports/transport';
import { rpcSpan } from '../tracing/spans';
import { LateError, within } from '../within';
import { addressOf, readReply, requestMessage } from './messages';
import type { RpcObserver } from './observer';
import { ResponderWatch } from './responder-watch';
import { RequestError } from './request-error';

export interface CallerOptions<R extends RequestRegistry> {
  /** The service that asks. */
  service: string;
  registry: R;
  transport: Pick<Transport, 'publish' | 'subscribe' | 'isConsumed'>;
  runtime: Runtime;
  observer: Pick<RpcObserver, 'asked' | 'cameLate' | 'loopFailed'>;
  tracer?: Tracer;
}

export interface AskOptions {
  /** How long the reply is waited for, milliseconds. */
  timeoutMs: number;
  traceparent?: string;
}

/** Most requests of one process that wait for a reply. */
const MAX_OPEN = 1_000;
const PUBLISH_AT_ONCE = 500;

/**
 * One process that asks others. A request is an ordinary message to the group that answers, and the reply one to all
 * processes of the caller, of which only the one that waits for it looks into it. Neither is a promise: what gets lost on
 * the way is a request without a reply.
 */
export class Caller<R extends RequestRegistry> {
  /** By which replies to this process are told from those to others, one that ran before it included. */
  private readonly process: string;
  private readonly open = new Map<string, (reply: Message) => void>();
  private underWay = 0;
  private readonly watches = new Map<string, ResponderWatch>();
  private readonly publishing: Batcher<Message, Settlement>;
  private listening: Promise<Subscription> | undefined;
  private closed = false;

  constructor(private readonly options: CallerOptions<R>) {
    const { runtime, transport } = options;
    this.process = runtime.eventId();
    this.publishing = new Batcher((messages) => transport.publish(messages), PUBLISH_AT_ONCE);
    // The first who asks does not wait for it, and hears if it failed.
    this.listen().catch((error: unknown) => options.observer.loopFailed('replies', error as Error));
  }

  /** @throws RequestError */
  async ask<N extends keyof R & string>(
    name: N,
    data: RequestData<R, N>,
    options: AskOptions,
  ): Promise<ReplyData<R, N>> {
    const { runtime, observer, tracer = noTracer } = this.options;
    const span = rpcSpan(tracer, 'client', name, options.traceparent);
    const began = runtime.elapsed();
    try {
      const reply = await this.exchange(name, data as object, { ...options, traceparent: span.traceparent });
      span.end();
      observer.asked(name, runtime.elapsed() - began);
      return reply as ReplyData<R, N>;
    } catch (error) {
      span.end({ error: error as Error });
      const failure = asRequestError(error);
      observer.asked(name, runtime.elapsed() - began, failure.reason);
      throw failure;
    }
  }

  /** Listens for replies no more. To be called when nobody asks any more. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    const subscription = await this.listening?.catch(() => undefined);
    await subscription?.close();
  }

  private async exchange(name: string, data: object, { timeoutMs, traceparent }: AskOptions): Promise<object> {
    const { service: caller, registry, runtime } = this.options;
    if (this.underWay >= MAX_OPEN)
      throw new RequestError('too_many', `${MAX_OPEN} requests wait for their replies already`);
    const id = runtime.eventId();
    const exchange = { id, name, caller, process: this.process, traceparent };
    const request = requestMessage(exchange, registry, timeoutMs, data);
    const { responder } = registry[name]!;
    const replied = new Promise<Message>((resolve) => this.open.set(id, resolve));
    const sent = this.send(id, responder, request);
    this.underWay++;
    try {
      const reply = sent.then(() => replied);
      return readReply(await within(responder, timeoutMs, reply), name, registry);
    } finally {
      this.open.delete(id);
      // What a slow broker has not taken stays, although nobody waits for it any more.
      const end = () => void this.underWay--;
      sent.then(end, end);
    }
  }

  private async send(id: string, responder: string, request: Message): Promise<void> {
    await this.listen();
    const isThere = await this.watchOf(responder).look();
    if (!isThere) throw new RequestError('no_responder', `nobody is there to answer for ${responder}`);
    // That took so long that nobody waits for it any more.
    if (!this.open.has(id)) return;
    const settlement = await this.publishing.submit(request);
    if (!settlement.stored) throw new RequestError('not_sent', settlement.detail);
  }

  private listen(): Promise<unknown> {
    const { service, transport } = this.options;
    if (this.closed) return Promise.reject(new RequestError('not_sent', 'the caller was closed'));
    return (this.listening ??= transport
      .subscribe({
        group: null,
        topics: [repliesTo(service)],
        ...{ batch: 100, waitMs: 0, inFlight: 1_000, parallel: 1 },
        handle: (batch) => {
          for (const message of batch) this.take(message);
          return Promise.resolve();
        },
      })
      .catch((error: unknown) => {
        this.listening = undefined;
        throw new RequestError('not_sent', `replies cannot be listened for: ${(error as Error).message}`);
      }));
  }

  private take(reply: Message): void {
    const { process, request = '' } = addressOf(reply);
    if (process !== this.process) return;
    const take = this.open.get(request);
    if (take) take(reply);
    else this.options.observer.cameLate();
  }

  private watchOf(responder: string): ResponderWatch {
    const known = this.watches.get(responder);
    if (known) return known;
    const watch = new ResponderWatch(requestsTo(responder), this.options);
    this.watches.set(responder, watch);
    return watch;
  }
}

function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof LateError) return new RequestError('timeout', error.message);
  throw error;
}
