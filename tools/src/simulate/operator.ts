import { audiences, services, type Service } from '@order-events/contracts';
import type { Failure, InboxEntry } from '@order-events/messaging';
import type { Parts } from './parts';
import { EPOCH_MS, type Surroundings } from './replica';
import type { ServiceDatabase } from './store';

export interface OperatorOptions {
  around: Surroundings;
  databases: Readonly<Record<Service, ServiceDatabase>>;
  parts: Pick<Parts, 'again'>;
  note(who: string, what: string): void;
  /** Everybody has been told to ask the service again. */
  repaired(service: Service): void;
}

const PAUSE_MS = 1_000;
/** How much more than since the backup is asked for: clocks differ, and the group may have been behind. */
const MARGIN_MS = 2 * 3_600_000;

/** Does what only an operator can do. */
export class Operator {
  /** A restore is to come, or not everybody has been told of it. */
  busy = false;

  constructor(private readonly options: OperatorOptions) {}

  /**
   * Has what a restored service has forgotten sent to it again: `oe audit --group G --since T`.
   * @param takenAt when the backup was, virtual milliseconds
   */
  askAgain(group: Service, takenAt: number): void {
    const publishers = services.filter((service) => audiences(service).has(group));
    void this.tell(publishers, group, new Date(EPOCH_MS + takenAt - MARGIN_MS));
  }

  /**
   * Brings back what has ended its processes, once the handler is mended: `oe dlq redrive --error UncleanExit`.
   * @returns whether there was any
   */
  redrive(isMended: boolean): boolean {
    const { databases, note } = this.options;
    let found = false;
    for (const { service, database } of Object.values(databases)) {
      const inbox = database.table<InboxEntry>('inbox');
      for (const [key, failure] of database.table<Failure & { dueAt: number }>('failures')) {
        const entry = inbox.get(key);
        if (entry?.state !== 'dead' || !failure.error.startsWith('UncleanExit')) continue;
        found = true;
        if (!isMended) continue;
        inbox.set(key, { ...entry, state: 'retrying' });
        Object.assign(failure, { attempts: 0, crashes: 0, dueAt: database.now() });
        note('operator', `redrives ${entry.topic} ${entry.key} of ${service}`);
      }
    }
    return found;
  }

  /** Again and again, until each has done it. */
  private async tell(publishers: readonly Service[], group: Service, since: Date): Promise<void> {
    const { around, databases, parts, note, repaired } = this.options;
    for (const publisher of publishers) {
      let told = false;
      while (!told) {
        await new Promise<void>((resolve) => around.scheduler.after(PAUSE_MS, null, 'wake', resolve));
        const [store] = databases[publisher].stores;
        told = store !== undefined && (await parts.again(store.audit, group, since).catch(() => false));
      }
      note('operator', `has ${publisher} ask ${group} again`);
    }
    repaired(group);
    this.busy = false;
  }
}
