import type { AuditAnswer } from '@order-events/contracts';

/** What a group has handled that is older than this, it has come past. */
export const PAST_MS = 30_000;

/** Milliseconds since 1970 at which the publisher made the id: what a UUIDv7 begins with. */
export function timeOf(eventId: string): number {
  return Number.parseInt(eventId.slice(0, 8) + eventId.slice(9, 13), 16);
}

/**
 * What an answer says of one of the events that it was asked about. All of them were published well before the question,
 * so one that is missing is `lost` when nothing waits for the group any more, or when it has handled events that are
 * so much newer; else it is `late`: still on its way, for all we know.
 */
export function judge(eventId: string, answer: AuditAnswer, missing: ReadonlySet<string>): 'held' | 'lost' | 'late' {
  if (!missing.has(eventId)) return 'held';
  if (answer.idle) return 'lost';
  const isPast = answer.newest !== undefined && Date.parse(answer.newest) - timeOf(eventId) >= PAST_MS;
  return isPast ? 'lost' : 'late';
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** How long to leave the group alone after so many questions about the same, milliseconds: 30 s × 2, at most 10 min. */
export function pauseAfter(questions: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(questions - 1, 10));
}
