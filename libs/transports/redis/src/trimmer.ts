import type { Connection } from './connection';
import { run, TRIM } from './scripts';

/** How often. */
const TRIM_MS = 10_000;
/** What every group has acknowledged is kept for so long, for followers that were cut off. */
const FOLLOWER_MS = 60_000;

/** Keeps the streams that it is told of from growing by what nobody needs any more. Whoever publishes or consumes does it. */
export class Trimmer {
  private readonly streams = new Set<string>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly connection: Connection,
    onError: (error: Error) => void,
  ) {
    this.timer = setInterval(() => void this.trim().catch(onError), TRIM_MS);
  }

  watch(streams: readonly string[]): void {
    for (const stream of streams) this.streams.add(stream);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async trim(): Promise<void> {
    await Promise.all(
      [...this.streams].map((stream) => this.connection.command(run(TRIM, [stream], [String(FOLLOWER_MS)]))),
    );
  }
}
