import { timeOf } from '../event-id';
import type { AuditStore } from '../ports/audit-store';
import type { Runtime } from '../ports/runtime';
import type { Message, Transport } from '../ports/transport';
import { answerMessage, readQuestion } from './messages';
import type { AuditObserver } from './observer';

export interface RespondentOptions {
  store: Pick<AuditStore, 'holding'>;
  transport: Pick<Transport, 'publish' | 'backlog'>;
  runtime: Runtime;
  observer: Pick<AuditObserver, 'loopFailed'>;
}

/** A question counts as waiting for the group itself until it is acknowledged; a broker may be told of that late. */
const IDLE_LOOKS = 5;
const IDLE_LOOK_MS = 2_000;

/** Tells a publisher which of its events the own inbox does not hold. */
export class Respondent {
  constructor(private readonly options: RespondentOptions) {}

  /** To be called when the question is about to be acknowledged. Gives up, and leaves it unanswered, on `signal`. */
  async answer(message: Message, signal: AbortSignal): Promise<void> {
    const { store, transport, runtime } = this.options;
    const { question, publisher, group, topics, ids } = readQuestion(message);
    const look = () => store.holding(group, ids, topics, question);
    let holding = await look();
    let idle = false;
    if (holding.missing.length > 0) {
      idle = await this.isIdle(group, signal);
      if (signal.aborted) return;
      // Looked at again: what was on its way until nothing was any more is in the inbox now.
      holding = await look();
    }
    const { missing, newest } = holding;
    const answer = {
      ...{ question, group, missing, idle },
      ...(newest !== undefined && { newest: new Date(timeOf(newest)).toISOString() }),
    };
    // One that gets lost is asked for again.
    await transport.publish([answerMessage(answer, publisher, runtime.eventId())]);
  }

  private async isIdle(group: string, signal: AbortSignal): Promise<boolean> {
    const { transport, runtime, observer } = this.options;
    try {
      for (let looks = 1; looks <= IDLE_LOOKS && !signal.aborted; looks++) {
        await runtime.sleep(IDLE_LOOK_MS, signal);
        if ((await transport.backlog(group)) === 0) return true;
      }
    } catch (error) {
      // How far the group has come can be said all the same, and the publisher may need no more.
      observer.loopFailed('audit backlog', error as Error);
    }
    return false;
  }
}
