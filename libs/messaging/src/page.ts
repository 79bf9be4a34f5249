import type { LogRecord } from './ports/store';

/**
 * A page of a log ends with the record with which the bodies of its records come to so many bytes: what is read at once must
 * fit into memory, however large events are.
 */
export const PAGE_BYTES = 4 * 1024 * 1024;

/** Whether the page has all that one of at most `limit` records may hold, so that there may be more behind it. */
export function isFull(page: readonly Pick<LogRecord, 'body'>[], limit: number): boolean {
  return page.length >= limit || page.reduce((bytes, { body }) => bytes + body.byteLength, 0) >= PAGE_BYTES;
}
