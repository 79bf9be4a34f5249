import { createHash } from 'node:crypto';

/** What happened, one line a step, and a hash by which two runs are known to be the same. */
export class Trace {
  private readonly digest = createHash('sha256');

  /** @param print gets each line; without it only the hash is kept */
  constructor(private readonly print?: (line: string) => void) {}

  /** @param ms virtual time */
  note(ms: number, who: string, what: string): void {
    const line = `${(ms / 1000).toFixed(3).padStart(9)} ${who.padEnd(12)} ${what}`;
    this.digest.update(line).update('\n');
    this.print?.(line);
  }

  /** Something of which there is nothing to read: somebody has waited long enough. */
  tick(ms: number): void {
    this.digest.update(String(ms));
  }

  /** After the last line. */
  hash(): string {
    return this.digest.digest('hex').slice(0, 16);
  }
}
