/** How many orders are looked back upon. */
const WINDOW = 100;

/**
 * Notices when most orders fail at once: then it is not the events that are bad, but whoever handles them, and it should
 * stop before it has made a dead letter of everything.
 */
export class MassFailure {
  /** Whether the last decision of each order failed; who was heard of last stands last. */
  private readonly failing = new Map<string, boolean>();
  private failures = 0;

  /** @param error why the order's event could not be decided; undefined if it could */
  note(order: string, error?: Error): void {
    this.forget(order);
    this.failing.set(order, error !== undefined);
    if (error) this.failures += 1;
    if (this.failing.size > WINDOW) this.forget(this.failing.keys().next().value!);
  }

  /** More than half of the last hundred orders fail. A few that fail alone, however often, are none of that. */
  get isOn(): boolean {
    return this.failures > WINDOW / 2;
  }

  /** In words. */
  get extent(): string {
    return `${this.failures} of the last ${this.failing.size} orders`;
  }

  /** Somebody has looked at it: only what fails from now on counts. */
  clear(): void {
    this.failing.clear();
    this.failures = 0;
  }

  private forget(order: string): void {
    if (this.failing.get(order)) this.failures -= 1;
    this.failing.delete(order);
  }
}
