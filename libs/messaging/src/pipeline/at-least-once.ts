import type { Known } from '../ports/store';
import type { Arrival } from './arrival';
import { BloomFilter } from './bloom-filter';

/** As many as come again after a broken connection, many times over. */
const RECENT = 10_000;

/**
 * What one process knows of the topics whose events leave no row in the inbox. Only what is certain has an event passed over: an id
 * that it took in itself a short while ago, or a row that the inbox has because the event could not be decided. The filter says
 * when that row need not be looked for.
 */
export class AtLeastOnce {
  /** Oldest first. */
  private readonly recent = new Set<string>();

  /** @param older what was taken in longer ago; whatever it says, nothing gets lost by it */
  constructor(
    private readonly topics: ReadonlySet<string>,
    private readonly older: Pick<BloomFilter, 'add' | 'mayHold'> = new BloomFilter(),
  ) {}

  /** Whether it leaves no row once it is applied. One that could not be decided has a row, and keeps it. */
  covers({ topic, again }: Pick<Arrival, 'topic' | 'again'>): boolean {
    return !again && this.topics.has(topic);
  }

  /** Whether the inbox need not be asked. */
  isClear({ id }: Pick<Arrival, 'id'>): boolean {
    return this.recent.has(id) || !this.older.mayHold(id);
  }

  /** What is known of an event, with what the inbox has said of it if it was asked. */
  known({ id }: Pick<Arrival, 'id'>, said: Known | undefined): Known | undefined {
    if (this.recent.has(id)) return 'applied';
    // It may have been handled long ago, and that is allowed.
    return said === 'forgotten' ? undefined : said;
  }

  /** To be told what was taken in, once that is committed. */
  note({ id, topic }: Pick<Arrival, 'id' | 'topic'>): void {
    if (!this.topics.has(topic)) return;
    this.recent.delete(id);
    this.recent.add(id);
    if (this.recent.size <= RECENT) return;
    const [oldest] = this.recent;
    this.recent.delete(oldest!);
    this.older.add(oldest!);
  }
}
