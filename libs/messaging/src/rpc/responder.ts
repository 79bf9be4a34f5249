import { requestsTo, type ReplyProblem, type RequestRegistry } from '@order-events/contracts';
import { Batcher } from '../batcher';
import { timeOf } from '../event-id';
import type { Runtime } from '../ports/runtime';
import { noTracer, type Tracer } from '../ports/tracer';
import type { Message, Settlement, Subscription, Transport } from '../ports/transport';
import { rpcSpan } from '../tracing/spans';
import { within } from '../within';
import { problemMessage, readRequest, readRequestData, replyMessage, type Exchange } from './messages';
import type { RpcObserver } from './observer';

/** Answers one kind of request. What it throws is a problem for the caller. */
export interface RequestHandler {
  name: string;
  answer(data: object): Promise<unknown>;
}

export interface ResponderOptions {
  /** The service that is asked. */
  service: string;
  registry: RequestRegistry;
  handlers: readonly RequestHandler[];
  transport: Pick<Transport, 'publish' | 'subscribe'>;
  runtime: Runtime;
  observer: Pick<RpcObserver, 'answered' | 'unanswered'>;
  /** What a caller is told of an error. */
  problemOf(error: unknown): ReplyProblem;
  tracer?: Tracer;
}

/** A caller waits less for a reply, and what hangs must not keep others waiting. */
const ANSWER_MS = 5_000;
/**
 * By so much the clocks of two machines may be apart. A request that is answered too late costs one answer, and one that
 * is dropped for a wrong clock would cost all of them.
 */
const CLOCKS_APART_MS = 30_000;
const PUBLISH_AT_ONCE = 500;
/** As OpenTelemetry has it for a method that nobody knows. */
const OTHER = '_OTHER';

/** One process that answers what its service is asked, together with its other processes. */
export class Responder {
  private readonly handlers: ReadonlyMap<string, RequestHandler>;
  private readonly callers: ReadonlySet<string>;
  private readonly publishing: Batcher<Message, Settlement>;
  private subscription: Subscription | undefined;

  /** @throws Error if it has not a handler for each of the service's requests */
  constructor(private readonly options: ResponderOptions) {
    const { service, registry, handlers, transport } = options;
    this.handlers = new Map(handlers.map((handler) => [handler.name, handler]));
    const own = Object.entries(registry).filter(([, { responder }]) => responder === service);
    this.callers = new Set(own.flatMap(([, { callers }]) => callers));
    assertComplete(service, [...this.handlers.keys()], new Map(own));
    this.publishing = new Batcher((messages) => transport.publish(messages), PUBLISH_AT_ONCE);
  }

  async start(): Promise<void> {
    const group = requestsTo(this.options.service);
    this.subscription = await this.options.transport.subscribe({
      ...{ group, topics: [group], batch: 100, waitMs: 0, inFlight: 1_000, parallel: 8 },
      // Acknowledged when it is answered: the request of one that dies meanwhile goes to another.
      handle: async (batch) => void (await Promise.all(batch.map((message) => this.take(message)))),
    });
  }

  /** Takes no more requests, and answers those that it has. Idempotent. */
  async close(): Promise<void> {
    await this.subscription?.close();
  }

  private async take(message: Message): Promise<void> {
    const { observer } = this.options;
    const reply = await this.replyTo(message);
    if (!reply) return;
    const settlement = await this.publishing.submit(reply);
    // A caller without a reply asks again if it still wants to know.
    if (!settlement.stored) observer.unanswered('reply_lost', settlement.detail);
  }

  private async replyTo(message: Message): Promise<Message | undefined> {
    const { runtime, observer } = this.options;
    const request = readRequest(message);
    if (!request.ok) return void observer.unanswered('unreadable', request.detail);
    const { exchange, expiresAt, schema, data } = request;
    if (!this.callers.has(exchange.caller))
      return void observer.unanswered('unreadable', `"${exchange.caller}" is nobody who asks`);
    if (expiresAt + CLOCKS_APART_MS < timeOf(runtime.eventId()))
      return void observer.unanswered('expired', `${exchange.name} of ${exchange.caller}`);
    return this.answer(exchange, schema, data);
  }

  private async answer(exchange: Exchange, schema: string, data: unknown): Promise<Message> {
    const { service, registry, runtime, observer, problemOf, tracer = noTracer } = this.options;
    const began = runtime.elapsed();
    const handler = this.handlers.get(exchange.name);
    const span = rpcSpan(tracer, 'server', handler ? exchange.name : OTHER, exchange.traceparent);
    const refuse = (problem: ReplyProblem, cause?: unknown) => {
      // Who asks for what is not there has an answer, too.
      const isOurFault = problem.status >= 500;
      span.end({ ...(isOurFault && { error: new Error(problem.detail ?? problem.type) }) });
      observer.answered(exchange.name, runtime.elapsed() - began, problem, cause);
      return problemMessage(runtime.eventId(), exchange, service, problem);
    };
    const read = readRequestData(exchange.name, schema, data, handler ? registry : {});
    if (!read.ok) return refuse(read.problem);
    try {
      const answer = await within(exchange.name, ANSWER_MS, handler!.answer(read.data));
      // Nothing goes out that the contract does not name.
      const { success, data: reply, error } = registry[exchange.name]!.reply.data.safeParse(answer);
      if (!success) throw new Error('the answer is not what the contract says', { cause: error });
      span.end();
      observer.answered(exchange.name, runtime.elapsed() - began);
      return replyMessage(runtime.eventId(), exchange, registry, reply as object);
    } catch (error) {
      return refuse(problemOf(error), error);
    }
  }
}

function assertComplete(service: string, handled: readonly string[], wanted: ReadonlyMap<string, unknown>): void {
  const missing = [...wanted.keys()].filter((name) => !handled.includes(name));
  const surplus = handled.filter((name) => !wanted.has(name));
  if (missing.length + surplus.length === 0) return;
  throw new Error(
    `${service} must answer exactly the requests that requests.ts gives it; ` +
      `handlers to add: ${missing.join(', ') || 'none'}; to remove: ${surplus.join(', ') || 'none'}`,
  );
}
