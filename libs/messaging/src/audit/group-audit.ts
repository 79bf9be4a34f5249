import { QUESTION_IDS, type AuditAnswer } from '@order-events/contracts';
import { asPublished, withAttribute } from '../cloud-events';
import { isFull } from '../page';
import type { AuditLog, AuditStore } from '../ports/audit-store';
import type { Runtime } from '../ports/runtime';
import type { LogRecord } from '../ports/store';
import type { Message, Transport } from '../ports/transport';
import { RELAY } from '../refused';
import { backoff } from '../retry-policy';
import type { AgedMark } from './aged-mark';
import type { ResendBudget } from './budget';
import type { AuditObserver } from './observer';
import { Questioner } from './questioner';
import { isLost, pauseAfter } from './rule';

export interface GroupAuditOptions {
  publisher: string;
  group: string;
  /** What the group consumes of this publisher's. */
  topics: readonly string[];
  store: AuditStore;
  transport: Pick<Transport, 'publish' | 'capabilities'>;
  runtime: Runtime;
  observer: AuditObserver;
  mark: AgedMark;
  /** All groups of the publisher share it. */
  budget: ResendBudget;
}

/** An event that the group is asked about. */
interface Asked {
  record: LogRecord;
  /** When it had been published at the latest, the last time; by the clock of event ids. */
  publishedBy: number;
  /** Since when the group was found idle each time it was asked about it, on the runtime's clock. */
  idleSince: number | undefined;
  /** How often it was waited for: after each answer that it was missing, unless only the budget is in its way. */
  tries: number;
  resent: number;
  /** When to ask about it again, on the runtime's clock. */
  dueAt: number;
}

const LEASE_MS = 30_000;
const LOOK_MS = 5_000;

/**
 * Verifies that one group holds what was published for it, and publishes again what it has lost. Reading goes on while
 * events are missing, up to a question's worth and a page's bytes of them, which must fit into memory; the lasting place waits
 * until none is.
 */
export class GroupAudit {
  private readonly log: AuditLog;
  private readonly questioner: Questioner;
  private readonly missing = new Map<string, Asked>();
  /** The place has moved since it was made lasting. */
  private moved = false;
  /** A mark at which a window has ended, and one up to which everything is read. */
  private ended: string | undefined;
  private finished: string | undefined;

  constructor(private readonly options: GroupAuditOptions) {
    this.log = options.store.log(options.group);
    this.questioner = new Questioner(options);
  }

  /** Runs until the signal is aborted. Any number of replicas may; the one with the lease works. */
  async run(signal: AbortSignal): Promise<void> {
    const { runtime, observer, group } = this.options;
    for (let failures = 0; !signal.aborted;) {
      try {
        if (!(await this.isOurs()) || !(await this.step(signal))) await runtime.sleep(LOOK_MS, signal);
        failures = 0;
      } catch (error) {
        observer.loopFailed(`audit of ${group}`, error as Error);
        this.forget();
        await runtime.sleep(backoff(++failures, runtime.random(), 1_000, 30_000), signal);
      }
    }
    await this.log.release().catch((error: unknown) => observer.loopFailed(`audit of ${group}`, error as Error));
  }

  /** Asks about what is due, or else about the next page. Returns whether there may be more to do at once. */
  private async step(signal: AbortSignal): Promise<boolean> {
    const { publisher, group, topics } = this.options;
    const due = this.due();
    const asked = due.length > 0 ? due : await this.page();
    if (asked.length === 0) {
      await this.commit();
      return false;
    }
    const ids = asked.map(({ record }) => record.id);
    const question = { publisher, group, topics: [...topics], ids };
    const answer = await this.questioner.ask(question, async () => !signal.aborted && (await this.isOurs()), signal);
    if (!answer) return false;
    await this.settle(asked, answer);
    return true;
  }

  private due(): Asked[] {
    const now = this.options.runtime.elapsed();
    return [...this.missing.values()].filter(({ dueAt }) => dueAt <= now).slice(0, QUESTION_IDS);
  }

  private async page(): Promise<Asked[]> {
    const held = [...this.missing.values()].map(({ record }) => record);
    if (isFull(held, QUESTION_IDS)) return [];
    const aged = await this.options.mark.read();
    if (aged === undefined || aged.mark === this.finished) return [];
    const { mark, at: publishedBy } = aged;
    const records = await this.log.page(QUESTION_IDS, mark);
    this.moved = true;
    if (records.length === 0) {
      // The first empty page may have ended a window that was begun with an older mark.
      if (this.ended === mark) this.finished = mark;
      this.ended = mark;
    }
    return records.map((record) => ({ record, publishedBy, idleSince: undefined, tries: 0, resent: 0, dueAt: 0 }));
  }

  private async settle(asked: readonly Asked[], answer: AuditAnswer): Promise<void> {
    const { store, transport, observer, runtime, group } = this.options;
    const missing = await this.unrefused(answer);
    const unseenHands = transport.capabilities.unseenHands === true;
    const now = runtime.elapsed();
    const before = this.missing.size;
    const lost: Asked[] = [];
    let [held, found] = [0, 0];
    for (const event of asked) {
      const { id } = event.record;
      if (!missing.has(id)) {
        held++;
        this.missing.delete(id);
        continue;
      }
      if (!this.missing.has(id)) found++;
      this.missing.set(id, event);
      event.dueAt = now + pauseAfter(++event.tries);
      event.idleSince = answer.idle ? (event.idleSince ?? now) : undefined;
      const idleMs = event.idleSince === undefined ? undefined : now - event.idleSince;
      if (isLost({ publishedBy: event.publishedBy, idleMs }, answer, unseenHands)) lost.push(event);
    }
    observer.missing(group, found);
    observer.verified(group, held);
    const resent = lost.length > 0 ? await this.resend(lost) : 0;
    if (before + this.missing.size > 0) await store.tally(group, this.missing.size, resent);
    await this.commit();
  }

  /** What is missing but for what the broker has refused: that is not published, and a dead letter here. */
  private async unrefused({ missing, question }: AuditAnswer): Promise<ReadonlySet<string>> {
    if (missing.length === 0) return new Set();
    // `applied`: an operator has had it published after all.
    const refused = new Set((await this.options.store.holding(RELAY, missing, [], question)).unapplied);
    return new Set(missing.filter((id) => !refused.has(id)));
  }

  /** Publishes again what the budget allows; the rest has to wait. Returns how many the broker has stored. */
  private async resend(lost: readonly Asked[]): Promise<number> {
    const { transport, runtime, budget, mark, observer, group } = this.options;
    const now = runtime.elapsed();
    const allowed = budget.take(lost.length, now);
    for (const event of lost.slice(allowed)) {
      event.tries--;
      event.dueAt = now + pauseAfter(1);
    }
    const sent = lost.slice(0, allowed);
    if (sent.length === 0) return 0;
    const settlements = await transport.publish(sent.map(again));
    const stored = sent.filter((_, index) => settlements[index]!.stored);
    for (const event of stored) {
      event.resent++;
      event.publishedBy = mark.now();
    }
    observer.resent(group, stored.length);
    const failed = settlements.filter((settlement) => !settlement.stored);
    if (failed.length > 0) observer.notResent(group, failed.length, failed.at(-1)!.detail);
    return stored.length;
  }

  private async commit(): Promise<void> {
    if (!this.moved || this.missing.size > 0) return;
    await this.log.commit();
    this.moved = false;
  }

  /** Whatever was known under a lease that is lost, the next one finds out anew. */
  private async isOurs(): Promise<boolean> {
    const ours = await this.log.lease(LEASE_MS);
    if (!ours) this.forget();
    return ours;
  }

  private forget(): void {
    this.log.rewind();
    this.missing.clear();
    this.moved = false;
    this.ended = undefined;
    this.finished = undefined;
  }
}

/** The same event, told apart only for brokers that thin out duplicates by themselves. */
function again({ record, resent }: Asked): Message {
  return withAttribute(asPublished(record), 'resend', String(resent + 1));
}
