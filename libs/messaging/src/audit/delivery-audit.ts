import { setMaxListeners } from 'node:events';
import { answersFor, questionsFor } from '@order-events/contracts';
import type { AuditStore } from '../ports/audit-store';
import type { Runtime } from '../ports/runtime';
import type { Message, Transport } from '../ports/transport';
import { AgedMark } from './aged-mark';
import { ResendBudget } from './budget';
import { GroupAudit } from './group-audit';
import { readAnswer } from './messages';
import type { AuditObserver } from './observer';
import { Respondent } from './respondent';

export interface DeliveryAuditOptions {
  /** Publisher, and consumer group. */
  service: string;
  /** The groups that it publishes for, each with the topics that it consumes of this service's. */
  audiences: ReadonlyMap<string, readonly string[]>;
  store: AuditStore;
  transport: Pick<Transport, 'publish' | 'backlog' | 'capabilities'>;
  runtime: Runtime;
  observer: AuditObserver;
}

/**
 * The delivery audit of one process: asks the groups that its service publishes for, and answers those that publish for
 * its service. Its messages need no outbox and no inbox, because whatever of them gets lost is asked for again.
 */
export class DeliveryAudit {
  /** To be subscribed to with the service's group. */
  readonly topics: readonly string[];
  private readonly questions: string;
  private readonly answers: string;
  private readonly respondent: Respondent;
  private readonly stopping = new AbortController();
  private readonly working = new Set<Promise<void>>();

  constructor(private readonly options: DeliveryAuditOptions) {
    this.questions = questionsFor(options.service);
    this.answers = answersFor(options.service);
    this.topics = [this.questions, this.answers];
    this.respondent = new Respondent(options);
    // Whatever waits here listens to it, which may be much at a time.
    setMaxListeners(0, this.stopping.signal);
  }

  /** Takes the audit's own messages out of a batch, and returns the others. What it does with them ends by itself. */
  take(batch: readonly Message[]): Message[] {
    return batch.filter((message) => {
      if (message.topic === this.questions) this.work(this.respondent.answer(message, this.stopping.signal));
      else if (message.topic === this.answers) this.work(this.keep(message));
      else return true;
      return false;
    });
  }

  /** Runs until the signal is aborted and nothing that was taken is being worked at. */
  async run(signal: AbortSignal): Promise<void> {
    const { service, audiences, ...shared } = this.options;
    const budget = new ResendBudget();
    const mark = new AgedMark(shared.store, shared.runtime, budget);
    const audits = [...audiences].map(
      ([group, topics]) => new GroupAudit({ ...shared, publisher: service, group, topics, mark, budget }),
    );
    const stop = aborted(signal).then(() => this.stopping.abort());
    await Promise.all([...audits.map((audit) => audit.run(this.stopping.signal)), stop]);
    await Promise.all(this.working);
  }

  /** Where whichever replica has asked will find it. */
  private async keep(message: Message): Promise<void> {
    const answer = readAnswer(message);
    await this.options.store.answer(answer.group, answer.question, answer);
  }

  private work(work: Promise<void>): void {
    const ended = work
      .catch((error: unknown) => this.options.observer.loopFailed('audit messages', error as Error))
      .finally(() => this.working.delete(ended));
    this.working.add(ended);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
