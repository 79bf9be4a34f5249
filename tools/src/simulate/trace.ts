import { createHash } from 'node:crypto';

/** What happened, one line a step, and a hash by which two runs are known to be the same. */
export class Trace {
  private readonly digest = createHash('sha256');
  /** What is not in the digest yet: it takes much at once for little more than a line. */
  private fresh = '';

  /** @param print gets each line; without it only the hash is kept */
  constructor(private readonly print?: (line: string) => void) {}

  /** @param ms virtual time */
  note(ms: number, who: string, what: string): void {
    const line = `${(ms / 1000).toFixed(3).padStart(9)} ${who.padEnd(12)} ${what}`;
    this.add(`${line}\n`);
    this.print?.(line);
  }

  /** Something of which there is nothing to read: somebody has waited long enough. */
  tick(ms: number): void {
    this.add(String(ms));
  }

  /** After the last line. */
  hash(): string {
    return this.digest.update(this.fresh).digest('hex').slice(0, 16);
  }

  private add(text: string): void {
    this.fresh += text;
    if (this.fresh.length < 65_536) return;
    this.digest.update(this.fresh);
    this.fresh = '';
  }
}
