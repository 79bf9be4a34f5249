import type { Presence } from './ports/presence';

/**
 * How long after an unclean exit events are tried one by one. A broker brings back what a dead process had in hand after 30 s
 * at the latest (decision 15).
 */
export const CAUTION_MS = 60_000;

/** Whether a process of the service has just ended uncleanly: what it had in hand may be why, and comes again. */
export class Caution {
  private on = true;

  constructor(private readonly presence: Presence) {}

  /** Until somebody has looked, it is. */
  get isOn(): boolean {
    return this.on;
  }

  /** Looks. @returns who has ended uncleanly. @throws StoreError without a database; then it stays as it was. */
  async follow(): Promise<readonly string[]> {
    const ended = await this.presence.watch(CAUTION_MS);
    this.on = ended.length > 0;
    return ended;
  }

  /** To be called when nothing is in hand any more. */
  leave(): Promise<void> {
    return this.presence.leave();
  }
}
