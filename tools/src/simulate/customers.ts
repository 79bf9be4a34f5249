import type { OrderDesk } from './order-desk';
import type { Surroundings } from './replica';
import type { Scenario } from './scenario';

export interface CustomersOptions {
  around: Surroundings;
  /** Whoever answers at the moment; undefined when nobody does. */
  desk(): OrderDesk | undefined;
  note(who: string, what: string): void;
}

/** How long a customer waits for an answer, and before asking again, milliseconds. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 300;
/** An operator who waits for the moment between the money and the goods asks often at first. */
const forTheMoment = (times: number) => Math.min(10 * 1.5 ** times, 5_000);

/** They order until they are told that they did, and some cancel; for some an operator wants a refund. */
export class Customers {
  /** Of how many it is not settled yet what they want. */
  busy = 0;

  constructor(private readonly options: CustomersOptions) {}

  expect(scenario: Scenario): void {
    const { order_id, comesAt, cancelsAfter, refunded } = scenario;
    this.busy++;
    this.after(comesAt, `${order_id} is wanted`, async () => {
      await this.insist(`places ${order_id}`, (desk) => desk.place(scenario));
      if (cancelsAfter !== null) {
        await this.pause(cancelsAfter);
        await this.insist(`cancels ${order_id}`, (desk) => desk.cancel(order_id));
      }
      if (refunded) await this.insist(`wants a refund of ${order_id}`, (desk) => desk.refund(order_id), forTheMoment);
      this.busy--;
    });
  }

  /** Asks one process after another until one answers. */
  private async insist(
    what: string,
    ask: (desk: OrderDesk) => Promise<unknown>,
    pauseAfter = (_: number) => PAUSE_MS,
  ): Promise<void> {
    const { desk, note } = this.options;
    for (let times = 1; ; times++) {
      const someone = desk();
      const answer = someone && (await Promise.race([ask(someone).then(said, failed), this.pause(PATIENCE_MS)]));
      note('customer', `${what}: ${answer ?? 'no answer'}`);
      if (answer?.startsWith('done')) return;
      await this.pause(pauseAfter(times));
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.options.around.scheduler.after(ms, null, 'wake', resolve));
  }

  private after(ms: number, what: string, then: () => Promise<void>): void {
    this.options.around.scheduler.after(ms, null, 'customer', () => void then(), what);
  }
}

const said = (answer: unknown) => (answer === false ? 'done, too late' : 'done');
const failed = (error: Error) => error.message;
