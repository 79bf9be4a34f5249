import type { AuditAnswer } from '@order-events/contracts';

/** A group has come past an event when it has handled one that came into being so long after that one was published. */
const PAST_MS = 30_000;
/** Longer than a process keeps a batch that it cannot take: the pipeline gives it back after three minutes. */
const KEPT_MS = 4 * 60_000;

/** What is known of an event that the group does not hold. */
export interface Missing {
  /** When it had been published at the latest, the last time; by the clock that its event ids are made by. */
  publishedBy: number;
  /** For how long nothing has been known to wait for the group, with no look that found something; undefined: it does. */
  idleMs: number | undefined;
}

/**
 * Whether it is lost; else it is late: still on its way, for all we know. It was published well before it was asked about,
 * so it is lost when nothing waits for the group any more, or when the group has handled an event that is so much newer
 * than its publication. Its own age says nothing: it may have waited in the outbox for an hour.
 * @param unseenHands whether another process may have it in hand while nothing is known to wait.
 */
export function isLost({ publishedBy, idleMs }: Missing, { newest }: AuditAnswer, unseenHands: boolean): boolean {
  if (idleMs !== undefined && idleMs >= (unseenHands ? KEPT_MS : 0)) return true;
  return newest !== undefined && Date.parse(newest) - publishedBy >= PAST_MS;
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** How long to leave the group alone after so many questions about the same, milliseconds: 30 s × 2, at most 10 min. */
export function pauseAfter(questions: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(questions - 1, 10));
}
