/** Milliseconds since 1970 at which an event id was made: what a UUIDv7 begins with. */
export function timeOf(eventId: string): number {
  return Number.parseInt(eventId.slice(0, 8) + eventId.slice(9, 13), 16);
}

/** The same id as if it had been made so many milliseconds later. */
export function later(eventId: string, ms: number): string {
  const time = Math.floor(timeOf(eventId) + ms)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}${eventId.slice(13)}`;
}
