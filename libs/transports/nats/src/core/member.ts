import { randomUUID } from 'node:crypto';
import type { Message, Subscribe, Subscription } from '@order-events/messaging';
import { createInbox, type Msg, type NatsConnection } from 'nats';
import type { Connection } from '../connection';
import type { Wire } from '../wire';
import { Attendance, type Ear } from './attendance';
import type { Courier } from './courier';
import { Hands } from './hands';
import { Roster, SIGN_MS } from './roster';
import { readSign, receipt, wantsReceipt, type RollAnswer, type Sign } from './words';

export interface MemberOptions extends Subscribe {
  group: string;
  connection: Connection;
  courier: Courier;
  wire: Wire;
  onError(error: Error): void;
}

/** One member of a group. It says of each message whether it has it, and to whoever asks how much it holds. */
export class Member implements Subscription {
  private readonly id = randomUUID();
  private readonly inbox = createInbox();
  private readonly subject: string;
  private readonly hands: Hands;
  private readonly roster = new Roster();
  private readonly attendance: Attendance;
  private readonly signs: NodeJS.Timeout;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: MemberOptions) {
    const { connection, group, topics, wire, courier, onError } = options;
    this.subject = wire.membersOf(group);
    this.hands = new Hands(options);
    const queue = wire.name(group);
    const take = (read: (msg: Msg) => Message) => (msg: Msg) => {
      const word = this.hands.take(read(msg));
      if (wantsReceipt(msg)) msg.respond(receipt(word, group));
    };
    const ears: Ear[] = [
      ...topics.map((topic) => ({ subject: wire.subject(topic), queue, hear: take((msg) => wire.message(msg)) })),
      { subject: courier.subject(group), queue, hear: take((msg) => courier.read(msg)) },
      { subject: this.inbox, hear: (msg) => this.meet(msg) },
      // The last: whoever is said to be there gets everything.
      { subject: this.subject, hear: (msg) => this.answer(msg) },
    ];
    this.attendance = new Attendance({ connection, ears, opened: (now) => this.sign(now), onError });
    this.signs = setInterval(() => connection.now && this.sign(connection.now), SIGN_MS);
  }

  get started(): Promise<void> {
    return this.attendance.started;
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    clearInterval(this.signs);
    // Nothing new is begun from here on, and what still comes is not taken.
    const unhandled = this.hands.empty();
    await this.attendance.close();
    this.sign(this.options.connection.now, { id: this.id, left: true });
    await this.options.courier.handOver(this.options.group, await unhandled);
  }

  /** Says that we are there: to the members, who answer, and to those who come later, by and by. */
  private sign(connection: NatsConnection | undefined, sign: Sign = { id: this.id }): void {
    if (!connection || connection.isClosed()) return;
    connection.publish(this.subject, JSON.stringify(sign), { reply: this.inbox });
  }

  private meet(msg: Msg): void {
    const sign = readSign(msg);
    if (sign) this.roster.note(sign.id);
  }

  /** Whoever asks on the subject is told; members say with it who they are. */
  private answer(msg: Msg): void {
    const sign = readSign(msg);
    if (sign?.id === this.id) return;
    if (sign?.left) return this.roster.remove(sign.id);
    if (sign) this.roster.note(sign.id);
    const { topics } = this.options;
    const answer: RollAnswer = {
      id: this.id,
      topics: [...topics],
      held: this.hands.count,
      peers: this.roster.ids,
    };
    msg.respond(JSON.stringify(answer));
  }
}
