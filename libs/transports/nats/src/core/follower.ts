import type { Subscribe, Subscription } from '@order-events/messaging';
import type { Msg } from 'nats';
import type { Connection } from '../connection';
import type { Wire } from '../wire';
import { Attendance } from './attendance';
import { Hands } from './hands';

export interface FollowerOptions extends Subscribe {
  connection: Connection;
  wire: Wire;
  onError(error: Error): void;
}

/** Gets a copy of what comes while it is connected. */
export class Follower implements Subscription {
  private readonly attendance: Attendance;
  private readonly hands: Hands;
  private isLosing = false;

  constructor(private readonly options: FollowerOptions) {
    const { connection, topics, wire, onError } = options;
    this.hands = new Hands(options);
    const ears = topics.map((topic) => ({ subject: wire.subject(topic), hear: (msg: Msg) => this.take(msg) }));
    this.attendance = new Attendance({ connection, ears, opened: () => undefined, onError });
  }

  get started(): Promise<void> {
    return this.attendance.started;
  }

  async close(): Promise<void> {
    await this.attendance.close();
    await this.hands.empty();
  }

  private take(msg: Msg): void {
    const isLost = this.hands.take(this.options.wire.message(msg)) !== 'held';
    if (isLost && !this.isLosing) this.options.onError(new Error('a broadcast was interrupted: it came too fast'));
    this.isLosing = isLost;
  }
}
