import type { Database, LogCursors, Wake } from '@order-events/store';
import { PARTITIONS } from './partition';
import { sql } from './sql';

export interface MembershipOptions {
  database: Database;
  wake: Wake;
  cursors: LogCursors;
  reader: string;
  member: string;
}

/** How long a member that hangs keeps its partitions. One that dies loses them with its connection. */
export const LEASE_MS = 10_000;
const EVERY_MS = 1_000;

/** Shares the partitions of a group evenly among the members that live. */
export class Membership {
  private last = -Infinity;

  constructor(private readonly options: MembershipOptions) {}

  /**
   * Once a second: shows that this member lives, prolongs its leases, gives back what is more than its share and claims
   * what is less. To be called when nothing that was read is unsaved but what is in calls.
   * @param held partitions that are in calls; they are not given back
   */
  async balance(held: ReadonlySet<number>): Promise<void> {
    if (performance.now() - this.last < EVERY_MS) return;
    this.last = performance.now();
    const { cursors } = this.options;
    const share = Math.ceil(PARTITIONS / (await this.join()));
    if (cursors.partitions.length > 0) await cursors.renew(LEASE_MS);
    const own = cursors.partitions;
    const free = own.filter((partition) => !held.has(partition));
    if (own.length > share) await cursors.release(free.slice(share - own.length));
    else if (own.length < share) await cursors.claim(share - own.length, LEASE_MS);
  }

  /** @param held partitions that are in calls; they are kept */
  async leave(held: ReadonlySet<number>): Promise<void> {
    const { cursors, database, reader, member } = this.options;
    await cursors.release(cursors.partitions.filter((partition) => !held.has(partition)));
    await database.query(sql.leave, [reader, member]);
  }

  private async join(): Promise<number> {
    const { database, wake, reader, member } = this.options;
    const { pid = null, start = null } = wake.backend ?? {};
    const [row] = await database.query<{ members: number }>(sql.join, [reader, member, pid, start, LEASE_MS]);
    return row!.members;
  }
}
