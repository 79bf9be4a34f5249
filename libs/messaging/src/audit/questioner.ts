import { AuditAnswer, type AuditQuestion } from '@order-events/contracts';
import type { AuditStore } from '../ports/audit-store';
import type { Runtime } from '../ports/runtime';
import type { Transport } from '../ports/transport';
import { questionMessage } from './messages';
import { pauseAfter } from './rule';

export interface QuestionerOptions {
  store: Pick<AuditStore, 'ask' | 'answerTo'>;
  transport: Pick<Transport, 'publish'>;
  runtime: Runtime;
}

const FIRST_LOOK_MS = 100;
const LOOK_MS = 1_000;

/** Asks a group, as often as it takes: the question may get lost, the group may be down, and the answer may get lost. */
export class Questioner {
  constructor(private readonly options: QuestionerOptions) {}

  /**
   * @param goOn is asked before each look for the answer.
   * @returns the answer to any copy of the question; undefined if `goOn` said no.
   */
  async ask(
    asked: Omit<AuditQuestion, 'question'>,
    goOn: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<AuditAnswer | undefined> {
    const { store, transport, runtime } = this.options;
    const question = { ...asked, question: runtime.eventId() };
    for (let times = 1; ; times++) {
      await store.ask(question.group, question.question);
      // Whether the broker took it is not looked at: the answer tells, and without one it is asked again.
      await transport.publish([questionMessage(question, runtime.eventId())]);
      let waited = 0;
      for (let pause = FIRST_LOOK_MS; waited < pauseAfter(times); pause = Math.min(pause * 2, LOOK_MS)) {
        await runtime.sleep(pause, signal);
        waited += pause;
        if (!(await goOn())) return undefined;
        const answer = await store.answerTo(question.group, question.question);
        if (answer !== undefined) return AuditAnswer.parse(answer);
      }
    }
  }
}
