import { randomBytes } from 'node:crypto';
import { repliesTo, requests, requestsTo, requestTopics, type ReplyProblem } from '@order-events/contracts';
import {
  Caller,
  RequestError,
  Responder,
  systemRuntime,
  type Message,
  type NoReplyReason,
  type RpcObserver,
  type Subscribe,
} from '@order-events/messaging';
import { eventually } from '../eventually';
import { Gate } from '../gate';
import type { Bench } from './bench';

const NAME = 'inventory.availability';
/** Longer than any test: where a reply is to come, it comes before. */
const PATIENCE_MS = 300_000;

/** What either side told of itself. */
export class RpcNotes implements RpcObserver {
  late = 0;
  answers = 0;
  readonly unansweredFor: string[] = [];
  readonly errors: Error[] = [];

  asked = () => {};
  cameLate = () => void this.late++;
  answered = () => void this.answers++;
  unanswered = (reason: string) => void this.unansweredFor.push(reason);
  loopFailed = (_: string, error: Error) => void this.errors.push(error);
}

type Answer = (product: string) => Promise<number>;

/** What one test of requests has to itself: a service that asks, and one that is asked how much there is of a product. */
export class RpcBench {
  private readonly asking = `asking-${randomBytes(5).toString('hex')}`;
  private readonly asked = `asked-${randomBytes(5).toString('hex')}`;
  private readonly registry = {
    [NAME]: { ...requests[NAME], callers: [this.asking], responder: this.asked },
  };
  private readonly ends: (() => Promise<void>)[] = [];
  readonly group = requestsTo(this.asked);

  constructor(readonly bench: Bench) {}

  async declare(): Promise<void> {
    for (const { topic, groups } of requestTopics(this.registry)) await this.bench.declare(groups, topic);
  }

  /** A process of the service that asks. */
  caller() {
    const notes = new RpcNotes();
    const transport = this.bench.connect();
    const registry = this.registry;
    const caller = new Caller({ service: this.asking, registry, transport, runtime: systemRuntime, observer: notes });
    const close = () => caller.close();
    this.ends.push(close);
    const ask = async (product: string | number, timeoutMs = PATIENCE_MS) => {
      const reply = await caller.ask(NAME, { product_id: String(product) }, { timeoutMs });
      return { product: reply.product_id, available: reply.available };
    };
    /** Why there is no reply; undefined if there is one. */
    const failure = async (timeoutMs?: number, product = 'x'): Promise<NoReplyReason | undefined> => {
      try {
        return void (await ask(product, timeoutMs));
      } catch (error) {
        if (error instanceof RequestError) return error.reason;
        throw error;
      }
    };
    const problem = async (): Promise<ReplyProblem | undefined> =>
      ask('x').then(
        () => undefined,
        (error: RequestError) => error.problem,
      );
    return { ask, failure, problem, notes, close };
  }

  /** A process of the service that is asked; of each product there is one, unless `answer` says otherwise. */
  async responder(answer: Answer = () => Promise.resolve(1)) {
    const notes = new RpcNotes();
    const handle = async (data: object) => {
      const { product_id } = data as { product_id: string };
      return { product_id, in_stock: true, available: await answer(product_id), or_more: false };
    };
    const responder = new Responder({
      service: this.asked,
      registry: this.registry,
      handlers: [{ name: NAME, answer: handle }],
      transport: this.bench.connect(),
      runtime: systemRuntime,
      observer: notes,
      problemOf: (error) => ({ type: 'urn:test:problem', status: 500, detail: (error as Error).message }),
    });
    await responder.start();
    const close = () => responder.close();
    this.ends.push(close);
    return { notes, close };
  }

  /** A member of the group that answers which does with the messages what the test says. */
  member(handle: Subscribe['handle']) {
    return this.bench.subscribe(this.bench.connect(), handle, { group: this.group, topics: [this.group], waitMs: 0 });
  }

  /** A message to those who are asked, or to those who ask. */
  async publish(to: 'asked' | 'asking', message: Omit<Message, 'topic' | 'key'>): Promise<void> {
    const topic = to === 'asked' ? this.group : repliesTo(this.asking);
    await this.bench.publish(this.bench.connect(), [{ ...message, topic, key: 'any' }]);
  }

  /** A caller, when the first of its requests was replied to: a group may take a while to form. */
  async untilAnswered(): Promise<ReturnType<RpcBench['caller']>> {
    const caller = this.caller();
    await eventually(async () => (await caller.failure(5_000, '0')) === undefined);
    return caller;
  }

  /** Open at the end of the test at the latest: an answer that never comes would never let its responder close. */
  gate(): Gate {
    const gate = new Gate();
    this.ends.push(() => Promise.resolve(gate.open()));
    return gate;
  }

  async close(): Promise<void> {
    await Promise.all(this.ends.map((end) => end()));
  }
}
