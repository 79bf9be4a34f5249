import type { Replica, Surroundings } from './replica';

/** What the outside makes of an order. */
export interface Fate {
  authorizes: boolean;
  captures: boolean;
  dispatches: boolean;
  /** What it costs, minor units. */
  total: number;
}

export interface Call {
  kind: string;
  /** The order. */
  key: string;
  /** For a mail its Message-ID. */
  idempotencyKey: string;
  input: object;
}

/** What gateway, carrier and mail server know of one order. */
export interface Account {
  held: number;
  voided: boolean;
  captures: number;
  charged: number;
  parcels: number;
  /** The carrier is to leave the goods where they are. */
  recalled: boolean;
  /** Copies by Message-ID. */
  mails: Map<string, number>;
}

/**
 * Gateway, carrier and mail server. The first two know a call again by its key; a mail server knows nothing again. What is
 * sent to them is done when it arrives, whatever becomes of who sent it and of the answer.
 */
export class Outside {
  private readonly accounts = new Map<string, Account>();
  private readonly answers = new Map<string, object>();

  constructor(
    private readonly around: Surroundings,
    private readonly fateOf: (order: string) => Fate,
    /** Notices what nobody may ask for. */
    private readonly report: (violation: string) => void,
  ) {}

  of(order: string): Account {
    let account = this.accounts.get(order);
    if (!account)
      this.accounts.set(
        order,
        (account = { held: 0, voided: false, captures: 0, charged: 0, parcels: 0, recalled: false, mails: new Map() }),
      );
    return account;
  }

  /** Mails that arrived once more under the same Message-ID. */
  get repeatedMails(): number {
    const copies = [...this.accounts.values()].flatMap(({ mails }) => [...mails.values()]);
    return copies.reduce((sum, count) => sum + count - 1, 0);
  }

  /** Resolves with a definite answer, rejects without one. */
  call(caller: Replica, call: Call, signal: AbortSignal): Promise<object> {
    const { scheduler, faults } = this.around;
    // A process that stood still may come to its call when the time for it is over: then nothing is sent.
    if (signal.aborted) return Promise.reject(new Error('no time left'));
    const { there, back, accepted } = faults.journey();
    return new Promise((resolve, reject) => {
      const reply = (answer: object | null) => (answer ? resolve(answer) : reject(new Error('answered "try again"')));
      const arrive = () => {
        const answer = accepted ? this.answer(call) : null;
        if (back !== null) scheduler.after(back, caller, 'answer', () => reply(answer), call.idempotencyKey);
      };
      signal.addEventListener('abort', () => reject(new Error('no answer in time')));
      scheduler.after(there, null, 'arrives', arrive, call.idempotencyKey);
    });
  }

  private answer(call: Call): object {
    const known = this.answers.get(call.idempotencyKey);
    if (known && call.kind !== 'mail.send') return known;
    const answer = this.act(call);
    this.answers.set(call.idempotencyKey, answer);
    return answer;
  }

  private act({ kind, key, idempotencyKey, input }: Call): object {
    const account = this.of(key);
    const fate = this.fateOf(key);
    const { amount = 0 } = input as { amount?: number };
    switch (kind) {
      case 'gateway.authorize':
        if (!fate.authorizes) return { outcome: 'declined', reason: 'card_declined' };
        account.held++;
        return { outcome: 'authorized', authorization_id: `a.${key}` };
      case 'gateway.capture':
        if (!fate.captures) return { outcome: 'failed', reason: 'card_expired' };
        if (account.voided) return { outcome: 'failed', reason: 'authorization_voided' };
        if (account.held < 1) this.report(`${key} is captured without an authorisation`);
        account.held--;
        account.captures++;
        account.charged += amount;
        if (amount !== fate.total) this.report(`${key} costs ${fate.total} and is charged ${amount}`);
        if (account.captures > 1) this.report(`${key} is captured twice`);
        return { outcome: 'captured', capture_id: `c.${key}` };
      case 'gateway.reverse':
        account.voided ||= account.held > 0;
        account.held = 0;
        account.charged = 0;
        if (account.captures > 0) return { outcome: 'refunded', refund_id: `r.${key}` };
        return { outcome: account.voided ? 'voided' : 'nothing' };
      case 'carrier.dispatch':
        if (!fate.dispatches) return { outcome: 'refused', reason: 'undeliverable_address' };
        if (account.recalled) return { outcome: 'refused', reason: 'recalled' };
        account.parcels++;
        if (account.parcels > 1) this.report(`${key} is dispatched twice`);
        return parcelOf(key);
      case 'carrier.recall':
        account.recalled = true;
        return account.parcels > 0 ? parcelOf(key) : { outcome: 'refused', reason: 'recalled' };
      case 'mail.send':
        account.mails.set(idempotencyKey, (account.mails.get(idempotencyKey) ?? 0) + 1);
        return { outcome: 'sent' };
      default:
        throw new Error(`nobody outside does ${kind}`);
    }
  }
}

function parcelOf(order: string): object {
  return { outcome: 'dispatched', carrier: 'Parcels', tracking_number: `t.${order}` };
}
