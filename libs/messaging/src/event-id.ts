/** The UUID, of the versions that are made of a hash (5, 8), that begins with these bytes: RFC 9562. */
export function uuidOf(hash: Buffer, version: 5 | 8): string {
  const bytes = Buffer.from(hash.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

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
