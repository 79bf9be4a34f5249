import { within } from '@order-events/messaging';
import { createInbox, ErrorCode, type NatsConnection, type NatsError } from 'nats';
import { TIMEOUT_MS } from '../connection';
import type { Wire } from '../wire';
import { isUnclaimed, readAnswer, type RollAnswer } from './words';

/** Asks the members of a group who they are, for the server does not know. */
export class Roll {
  constructor(private readonly wire: Wire) {}

  /**
   * @returns what the first to answer says; undefined when there is nobody.
   * @throws NatsError when nobody answers, and yet somebody is there
   */
  async first(connection: NatsConnection, group: string): Promise<RollAnswer | undefined> {
    try {
      const msg = await connection.request(this.wire.membersOf(group), undefined, { timeout: TIMEOUT_MS });
      const answer = readAnswer(msg);
      if (!answer) throw strange(group);
      return answer;
    } catch (error) {
      if ((error as NatsError).code === (ErrorCode.NoResponders as string)) return undefined;
      throw error;
    }
  }

  /**
   * What all of them say. Members know of each other, so one that says nothing is missed as long as any other does.
   * @throws when one of them does not answer
   */
  async all(connection: NatsConnection, group: string): Promise<RollAnswer[]> {
    const subject = this.wire.membersOf(group);
    const inbox = createInbox();
    const answers = new Map<string, RollAnswer>();
    const isComplete = () => [...answers.values()].every(({ peers }) => peers.every((peer) => answers.has(peer)));
    let [end, fail] = [() => {}, (_: Error) => {}];
    const complete = new Promise<void>((resolve, reject) => ([end, fail] = [resolve, reject]));
    const subscription = connection.subscribe(inbox, {
      callback: (error, msg) => {
        if (error) return fail(error);
        if (isUnclaimed(msg)) return end();
        const answer = readAnswer(msg);
        if (!answer) return fail(strange(group));
        answers.set(answer.id, answer);
        if (isComplete()) end();
      },
    });
    connection.publish(subject, undefined, { reply: inbox });
    try {
      await within(`all members of ${group}`, TIMEOUT_MS, complete);
      return [...answers.values()];
    } finally {
      if (!connection.isClosed()) subscription.unsubscribe();
    }
  }
}

const strange = (group: string) => new Error(`what answers for the members of ${group} is none`);
