import type { Service } from '@order-events/contracts';
import type { OpenEffect } from '@order-events/messaging';
import type { Call } from '../outside';
import type { Replica } from '../replica';
import type { Commit } from '../store';
import type { Invariant } from './invariant';

/** One call under a claim that is good. */
export interface Running {
  replica: Replica;
  call: Call;
  claimedAt: number;
  isAnswered: boolean;
}

/** How long a claim keeps others from making the same call, milliseconds. */
const CLAIM_MS = 60_000;

/**
 * Watches the calls to the outside as their makers see them: those of one order come one after the other, none is made
 * after its effect is closed, and a mail is repeated only when it was unclear whether it had been taken. Whoever makes a
 * call after its claim has run out is excused: the outside knows it again by its key, but for a mail.
 */
export class Calls implements Invariant {
  /** By effect, and then by process and attempt: since when. */
  private readonly claims = new Map<string, Map<string, number>>();
  private readonly running = new Set<Running>();
  /** By process and effect: the answers that a process has had. */
  private readonly known = new Set<string>();
  private readonly closed = new Map<string, Service>();
  private readonly forgivenUntil = new Map<Service, number>();

  constructor(
    private readonly now: () => number,
    private readonly report: (violation: string) => void,
  ) {}

  claim(replica: Replica, effects: readonly OpenEffect[]): void {
    for (const { idempotencyKey, attempts } of effects)
      this.claimsOf(idempotencyKey).set(`${replica.name} ${attempts + 1}`, this.now());
  }

  begin(replica: Replica, call: Call, attempt: number): Running {
    const { key, idempotencyKey, kind } = call;
    const claimedAt = this.claimsOf(idempotencyKey).get(`${replica.name} ${attempt}`) ?? -Infinity;
    const running: Running = { replica, call, claimedAt, isAnswered: false };
    if (this.known.has(`${replica.name} ${idempotencyKey}`))
      this.report(`${replica.name} calls ${idempotencyKey} again, of which it has the answer`);
    if (!this.isGood(running)) return running;
    if (this.closed.has(idempotencyKey)) this.report(`${idempotencyKey} is claimed and called though it is closed`);
    for (const other of this.running) {
      if (!this.isGood(other)) this.running.delete(other);
      else if (other.replica.service !== replica.service || other.call.key !== key) continue;
      else if (!other.isAnswered) this.report(`${idempotencyKey} is called during ${other.call.idempotencyKey}`);
      else if (kind === 'mail.send' && other.call.idempotencyKey === idempotencyKey)
        this.report(`${idempotencyKey} is sent again, though ${other.replica.name} knows that it was taken`);
    }
    this.running.add(running);
    return running;
  }

  answer(running: Running): void {
    this.known.add(`${running.replica.name} ${running.call.idempotencyKey}`);
    running.isAnswered = true;
  }

  /** It ended without an answer, and is to be made again. */
  fail(running: Running): void {
    this.running.delete(running);
  }

  /** A process gives a claim back, so another may call. */
  release(replica: Replica, idempotencyKey: string): void {
    for (const running of this.running)
      if (running.replica === replica && running.call.idempotencyKey === idempotencyKey) this.running.delete(running);
  }

  /** The clock of a service's database has jumped, so claims of its processes may have ended before their time. */
  forgive(service: Service): void {
    this.forgivenUntil.set(service, this.now() + CLAIM_MS);
  }

  restored(service: Service): void {
    this.forgive(service);
    for (const [key, owner] of this.closed) if (owner === service) this.closed.delete(key);
  }

  committed({ service, closed }: Commit): void {
    const keys = new Set(closed.map(({ idempotencyKey }) => idempotencyKey));
    for (const key of keys) {
      this.closed.set(key, service);
      // Whoever claimed it before has been too slow and may still call: a second claim on it means that the first ran out.
      this.claims.delete(key);
    }
    for (const running of this.running) if (keys.has(running.call.idempotencyKey)) this.running.delete(running);
  }

  private claimsOf(idempotencyKey: string): Map<string, number> {
    let claims = this.claims.get(idempotencyKey);
    if (!claims) this.claims.set(idempotencyKey, (claims = new Map<string, number>()));
    return claims;
  }

  private isGood({ replica, claimedAt }: Running): boolean {
    const isForgiven = this.now() < (this.forgivenUntil.get(replica.service) ?? 0);
    return replica.alive && !isForgiven && this.now() - claimedAt < CLAIM_MS;
  }
}
