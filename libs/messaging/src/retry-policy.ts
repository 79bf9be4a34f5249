/** Says how long to wait before the next try, in milliseconds, or null when there is to be none. */
export type RetryPolicy = (attempts: number, random: number) => number | null;

const FIRST_MS = 200;
const CAP_MS = 5 * 60_000;

/** Exponential with full jitter: spreads the tries of events that failed together. 200 ms × 2, at most 5 min. */
export function backoff(attempts: number, random: number, firstMs = FIRST_MS, capMs = CAP_MS): number {
  return Math.ceil(random * Math.min(capMs, firstMs * 2 ** Math.min(attempts - 1, 30)));
}

/**
 * How long a message that a handler gave back stays with the broker, in milliseconds: longer each time, up to half a minute.
 * @param deliveries how often it was delivered, this time included
 */
export function redeliveryPause(deliveries: number): number {
  return Math.min(30_000, 100 * 2 ** Math.min(Math.max(deliveries - 1, 0), 20));
}

/** Ten tries, then a dead letter. */
export const tenTries: RetryPolicy = (attempts, random) => (attempts >= 10 ? null : backoff(attempts, random));
