import type { AuditLog, AuditStore, LogRecord } from '@order-events/messaging';
import { unverified } from './place';
import type { Database } from './workspace';

export interface SteppedAuditOptions {
  database: Database;
  /** What is connected now. */
  connected(): AuditStore;
  /** A step of its process, after which the database may be away. */
  reach(label: string, detail?: string): Promise<void>;
  /** @throws StoreError while the database is away */
  assertThere(): void;
  /** Records have come to lie before the lasting place of a group. */
  verified(group: string, records: readonly LogRecord[]): void;
}

/** The delivery audit's part of a stepped store. */
export class SteppedAudit implements AuditStore {
  constructor(private readonly options: SteppedAuditOptions) {}

  async declare(...args: Parameters<AuditStore['declare']>): Promise<void> {
    return this.statement().declare(...args);
  }

  async published(): ReturnType<AuditStore['published']> {
    return this.statement().published();
  }

  log(group: string): AuditLog {
    const { database, connected, reach, verified } = this.options;
    const current = following(connected, (audit) => audit.log(group));
    let leased = current();
    return {
      // Whoever comes back on another connection is told that the place which it has read up to is lost, as on Postgres.
      lease: async (ms) => {
        this.options.assertThere();
        const isLost = current() !== leased;
        leased = current();
        return !isLost && leased.lease(ms);
      },
      page: async (limit, mark) => {
        this.options.assertThere();
        const page = await current().page(limit, mark);
        if (page.length > 0) await reach('audit', page.map(({ topic, key }) => `${topic} ${key}`).join(', '));
        return page;
      },
      commit: async () => {
        await reach('audited', group);
        const before = unverified(database, group);
        await current().commit();
        const after = new Set(unverified(database, group));
        verified(
          group,
          before.filter((record) => !after.has(record)),
        );
      },
      rewind: () => current().rewind(),
      release: () => current().release(),
    };
  }

  async ask(...args: Parameters<AuditStore['ask']>): Promise<void> {
    await this.options.reach('ask', args[0]);
    await this.statement().ask(...args);
  }

  async answer(...args: Parameters<AuditStore['answer']>): Promise<void> {
    await this.options.reach('answered', `by ${args[0]}`);
    await this.statement().answer(...args);
  }

  async answerTo(...args: Parameters<AuditStore['answerTo']>): Promise<unknown> {
    return this.statement().answerTo(...args);
  }

  async tally(...args: Parameters<AuditStore['tally']>): Promise<void> {
    const [group, missing, resent] = args;
    await this.options.reach('tally', `${group} misses ${missing}, ${resent} are sent again`);
    await this.statement().tally(...args);
  }

  async holding(...args: Parameters<AuditStore['holding']>): ReturnType<AuditStore['holding']> {
    await this.options.reach('holding', `${args[1].length} asked about`);
    return this.statement().holding(...args);
  }

  async again(...args: Parameters<AuditStore['again']>): Promise<boolean> {
    return this.statement().again(...args);
  }

  async replay(...args: Parameters<AuditStore['replay']>): ReturnType<AuditStore['replay']> {
    return this.statement().replay(...args);
  }

  async status(): ReturnType<AuditStore['status']> {
    return this.statement().status();
  }

  private statement(): AuditStore {
    this.options.assertThere();
    return this.options.connected();
  }
}

/** Something that is opened on a connection, and anew on the next: that knows nothing of what was read on the old one. */
export function following<C, R>(connected: () => C, open: (connection: C) => R): () => R {
  let connection = connected();
  let opened = open(connection);
  return () => {
    if (connection !== connected()) opened = open((connection = connected()));
    return opened;
  };
}
