interface Waiting<I, O> {
  item: I;
  resolve(output: O): void;
  reject(error: unknown): void;
}

/**
 * Group commit: whatever is submitted while one batch is under way forms the next. Alone, an item waits for nobody; under
 * load the batches grow by themselves.
 */
export class Batcher<I, O> {
  private waiting: Waiting<I, O>[] = [];
  private working = false;

  /** @param run returns one output for each item, in order; if it rejects, each item of the batch does. */
  constructor(
    private readonly run: (items: readonly I[]) => Promise<readonly O[]>,
    private readonly max: number,
  ) {}

  /** How many items wait for their batch to begin. */
  get queued(): number {
    return this.waiting.length;
  }

  submit(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.working) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.working = true;
    // Lets everything that is submitted in the same turn of the event loop into the first batch.
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.max);
      try {
        const outputs = await this.run(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(outputs[index]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.working = false;
  }
}

/** Runs a batch, and in halves whenever it fails by `isOwnFault`, so that one bad item fails alone. */
export async function bisect<I, O>(
  items: readonly I[],
  run: (items: readonly I[]) => Promise<readonly O[]>,
  isOwnFault: (error: unknown) => boolean,
  fail: (item: I, error: unknown) => O | Promise<O>,
): Promise<O[]> {
  try {
    return [...(await run(items))];
  } catch (error) {
    if (!isOwnFault(error)) throw error;
    if (items.length === 1) return [await fail(items[0]!, error)];
    const half = Math.ceil(items.length / 2);
    const first = await bisect(items.slice(0, half), run, isOwnFault, fail);
    return [...first, ...(await bisect(items.slice(half), run, isOwnFault, fail))];
  }
}
