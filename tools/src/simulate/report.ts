import type { Result } from './simulation';

/** What is said of a seed that failed: what does not hold, and how to see it again. */
export function failureOf({ seed, profile, violation }: Result, chosenProfile?: string): string {
  const again = chosenProfile === undefined ? '' : ` --profile ${chosenProfile}`;
  return `seed ${seed} (${profile}): ${violation}\n  npm run simulate -- --seed ${seed}${again} --trace`;
}

/** All seeds of a run in a few figures. */
export class Summary {
  failed = 0;
  private seeds = 0;
  private orders = 0;
  private steps = 0;
  private virtualMs = 0;
  private repeatedMails = 0;

  add({ violation, orders, steps, virtualMs, repeatedMails }: Result): void {
    this.seeds++;
    if (violation !== undefined) this.failed++;
    this.orders += orders;
    this.steps += steps;
    this.virtualMs += virtualMs;
    this.repeatedMails += repeatedMails;
  }

  toString(): string {
    const figures = [
      `${this.seeds} seeds, ${this.failed} failed`,
      `${this.orders} orders in ${this.steps} steps`,
      `${(this.virtualMs / 3_600_000).toFixed(1)} h of virtual time`,
      `${this.repeatedMails} mails repeated under their Message-ID`,
    ];
    return figures.join('; ');
  }
}
