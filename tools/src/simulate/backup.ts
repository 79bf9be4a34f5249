import type { ServiceDatabase } from './store';
import type { Cursor, Domain } from './workspace';

/** The tables that every service has. */
const shared = ['inbox', 'failures', 'effects', 'effect_keys'];

/** A dump of a service's database. */
export class Backup {
  private readonly tables: ReadonlyMap<string, ReadonlyMap<string, object>>;
  private readonly published: number;
  private readonly places: ReadonlyMap<string, Cursor['place']>;

  constructor(
    private readonly on: ServiceDatabase,
    { tables }: Domain,
  ) {
    const { database } = on;
    const names = [...Object.values(tables).map(({ name }) => name), ...shared];
    this.tables = new Map(names.map((name) => [name, structuredClone(database.table(name))]));
    this.published = database.outbox.length;
    this.places = new Map([...database.audits].map(([group, { cursor }]) => [group, cursor.place]));
  }

  /** Into another cluster, as it would be: so what is above the lowest verified place is to be published once more. */
  restore(): void {
    const { database } = this.on;
    for (const [name, rows] of this.tables) {
      const table = database.table(name);
      table.clear();
      for (const [key, row] of rows) table.set(key, structuredClone(row));
    }
    database.outbox.splice(this.published);
    for (const [group, place] of this.places) {
      const row = database.audits.get(group)!;
      setBack(row.cursor, place);
      row.question = undefined;
    }
    const lowest = Math.min(this.published, ...[...this.places.values()].map(({ last }) => last));
    setBack(database.cursor, { last: lowest, win: null, position: 0 });
  }
}

function setBack(cursor: Cursor, place: Cursor['place']): void {
  Object.assign(cursor, { place, owner: undefined, epoch: cursor.epoch + 1 });
}
