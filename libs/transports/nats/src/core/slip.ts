import type { Word } from './words';

/** What has come back about one message. */
export class Slip {
  /** What each group has said of it. */
  readonly words = new Map<string, Word>();
  /** Groups that have nobody. */
  readonly absent = new Set<string>();
  /** Groups that have said nothing yet and are waited for. */
  readonly awaited: Set<string>;
  /** Why it went nowhere at all. */
  problem: string | undefined;
  /** Resolves when nobody is waited for; rejects when the connection has ended before. */
  readonly settled: Promise<void>;
  private resolve!: () => void;
  private reject!: (error: Error) => void;

  constructor(
    readonly subject: string,
    groups: Iterable<string>,
  ) {
    this.awaited = new Set(groups);
    this.settled = new Promise((resolve, reject) => ([this.resolve, this.reject] = [resolve, reject]));
    // Whoever is no longer interested does not hear of it.
    this.settled.catch(() => undefined);
    this.look();
  }

  hear(group: string, word: Word): void {
    if (!this.awaited.has(group)) return;
    this.words.set(group, word);
    this.excuse(group);
  }

  /** There is nobody of that group. */
  miss(group: string): void {
    if (!this.awaited.has(group)) return;
    this.absent.add(group);
    this.excuse(group);
  }

  /** Of that group nothing is to be expected. */
  excuse(group: string): void {
    this.awaited.delete(group);
    this.look();
  }

  refuse(problem: string): void {
    this.problem = problem;
    this.resolve();
  }

  fail(error: Error): void {
    this.reject(error);
  }

  private look(): void {
    if (this.awaited.size === 0) this.resolve();
  }
}
