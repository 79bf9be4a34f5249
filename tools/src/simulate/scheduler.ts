import type { Random } from './random';

/** Whoever can die or stop: what waits to happen to it does not happen while it is so. */
export interface Owner {
  readonly alive: boolean;
  /** Virtual time until which it stands still. */
  readonly pausedUntil: number;
}

export interface Task<O extends Owner = Owner> {
  at: number;
  /** Decides between tasks of the same time. */
  tie: number;
  /** null: the outside, a wire, a broker. */
  owner: O | null;
  /** What kind of step it is. */
  label: string;
  /** For the trace. */
  detail: string;
  run(): void;
  cancelled: boolean;
}

/** Virtual time, and all that is still to happen in it. Nothing in a simulation goes on but by a step of this. */
export class Scheduler<O extends Owner = Owner> {
  now = 0;
  private readonly heap: Task<O>[] = [];

  constructor(private readonly random: Random) {}

  /** @param ms from now on */
  after(ms: number, owner: O | null, label: string, run: () => void, detail = ''): Task<O> {
    const task = { at: this.now + ms, tie: this.random.next(), owner, label, detail, run, cancelled: false };
    this.push(task);
    return task;
  }

  /** The task that is next in time, which is now; undefined when nothing is left to happen. */
  next(): Task<O> | undefined {
    for (;;) {
      const task = this.pop();
      if (!task) return undefined;
      if (task.cancelled || task.owner?.alive === false) continue;
      const wakes = task.owner?.pausedUntil ?? 0;
      if (wakes <= Math.max(task.at, this.now)) {
        this.now = Math.max(this.now, task.at);
        return task;
      }
      task.at = wakes;
      task.tie = this.random.next();
      this.push(task);
    }
  }

  private push(task: Task<O>): void {
    const { heap } = this;
    let index = heap.push(task) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(task, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = task;
  }

  private pop(): Task<O> | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

/**
 * Resolves when everything that could go on by itself has gone as far as it can: all promises, and then what a batcher
 * puts off by a turn of the event loop. Most steps put nothing off, and a turn costs more than all the rest of them.
 */
export async function quiet(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (process.getActiveResourcesInfo().includes('Immediate')) await new Promise(setImmediate);
}
