/** Looks in a row that find it ended. After one alone it may have lost no more than its connection, which it makes again. */
const LOOKS = 2;
/** Looks after one that failed: others may have lost the database, too, and take longer than this process to reach it again. */
const LOOKS_OF_DOUBT = 10;

/**
 * The processes of a service that have died, for a broker that would keep their places for long. It is no certainty: what
 * follows from it may cost one that lives a moment, and nothing else.
 */
export class Departures {
  /** How often each was found ended, in a row. */
  private looks = new Map<string, number>();
  private readonly told = new Set<string>();
  private doubt = 0;

  /** @param ended those that were found ended by a look at all of them */
  found(ended: readonly string[]): void {
    this.looks = new Map(ended.map((name) => [name, (this.looks.get(name) ?? 0) + 1]));
    for (const name of this.told) if (!this.looks.has(name)) this.told.delete(name);
    this.doubt = Math.max(0, this.doubt - 1);
  }

  /** A look has failed. */
  failed(): void {
    this.doubt = LOOKS_OF_DOUBT;
  }

  /** Tells of those that have died since, all together. Whom it could not tell of, it tells of again the next time. */
  async tell(release: (names: readonly string[]) => Promise<void>): Promise<void> {
    if (this.doubt > 0) return;
    const died = [...this.looks].filter(([name, looks]) => looks >= LOOKS && !this.told.has(name));
    if (died.length === 0) return;
    const names = died.map(([name]) => name);
    await release(names);
    for (const name of names) this.told.add(name);
  }
}
