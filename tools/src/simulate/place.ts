import type { LogRecord } from '@order-events/messaging';
import type { Cursor, Database } from './workspace';

/** What lies beyond a place in the outbox, in the order of the commits. */
export function beyond({ outbox }: Pick<Database, 'outbox'>, { last, win, position }: Cursor['place']): LogRecord[] {
  return outbox.slice(last).filter((record, i) => win === null || last + i >= win || record.position > position);
}

/** What one group has not been found to hold of what is told to it. */
export function unverified({ outbox, audits }: Pick<Database, 'outbox' | 'audits'>, group: string): LogRecord[] {
  const { cursor, topics } = audits.get(group)!;
  return beyond({ outbox }, cursor.place).filter(({ topic }) => topics.includes(topic));
}
