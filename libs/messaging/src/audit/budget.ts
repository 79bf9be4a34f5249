/** Resends a second, whatever the relay does: at rest the last events of a day must come back, too. */
export const LEAST_A_SECOND = 20;
const SHARE_OF_RELAY = 0.05;
/** What is not used is kept for so long. */
const KEPT_S = 30;

/**
 * A token bucket for what is published again: 5 % of the rate at which the relay publishes, and never less than a small
 * rate. Time comes from outside, milliseconds of a clock that never goes back.
 */
export class ResendBudget {
  private perSecond = LEAST_A_SECOND;
  private tokens = 0;
  private at: number | undefined;
  private seen: { position: number; at: number } | undefined;

  /** Learns how fast the relay is from where it is. */
  observe(position: number, now: number): void {
    const before = this.seen;
    this.seen = { position, at: now };
    if (!before || now <= before.at) return;
    const rate = Math.max(0, position - before.position) / ((now - before.at) / 1000);
    this.perSecond = Math.max(LEAST_A_SECOND, rate * SHARE_OF_RELAY);
  }

  /** Takes up to `wanted` tokens, and tells how many there were. */
  take(wanted: number, now: number): number {
    const most = this.perSecond * KEPT_S;
    const gained = this.at === undefined ? most : ((now - this.at) / 1000) * this.perSecond;
    this.tokens = Math.min(most, this.tokens + gained);
    this.at = now;
    const taken = Math.min(wanted, Math.floor(this.tokens));
    this.tokens -= taken;
    return taken;
  }
}
