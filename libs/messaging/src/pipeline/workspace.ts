import type { Decision, Keys, Rows, Tables, Writes } from '../decision';

/** Joins the keys that several decisions ask for. */
export function unionKeys<T extends Tables>(tables: T, all: readonly Keys<T>[]): Keys<T> {
  const union: Record<string, string[]> = {};
  for (const name of Object.keys(tables)) {
    const keys = new Set(all.flatMap((keys) => keys[name] ?? []));
    if (keys.size > 0) union[name] = [...keys].sort();
  }
  return union;
}

/** Holds the locked rows of a batch, so that each decision sees what the ones before it wrote. */
export class Workspace<T extends Tables> {
  private readonly current: Record<string, Map<string, { version: number }>>;
  private readonly changed: Record<string, Map<string, object>> = {};
  private readonly appended: Record<string, object[]> = {};

  constructor(
    private readonly tables: T,
    locked: Rows<T>,
  ) {
    this.current = Object.fromEntries(Object.keys(tables).map((name) => [name, new Map(locked[name])]));
  }

  get rows(): Rows<T> {
    return this.current as unknown as Rows<T>;
  }

  /** Takes over a decision's rows; refuses a row that was not locked, before any of them is taken over. */
  apply(rows: Decision<T>['rows'] = {}): void {
    const writes = Object.entries(rows) as [string, readonly Record<string, unknown>[]][];
    for (const [name, list] of writes) for (const row of list) this.assertLocked(name, row);
    for (const [name, list] of writes) {
      const table = this.tables[name]!;
      for (const row of list) {
        if (table.rows === 'appended') (this.appended[name] ??= []).push(row);
        else {
          const key = row[table.key] as string;
          this.current[name]!.set(key, row as { version: number });
          (this.changed[name] ??= new Map<string, object>()).set(key, row);
        }
      }
    }
  }

  writes(): Writes<T> {
    const changed = Object.entries(this.changed).map(([name, rows]) => [name, [...rows.values()]] as const);
    return Object.fromEntries([...changed, ...Object.entries(this.appended)]) as Writes<T>;
  }

  private assertLocked(name: string, row: Record<string, unknown>): void {
    const table = this.tables[name];
    if (!table) throw new Error(`a decision wrote to a table that the service does not have: ${name}`);
    if (table.rows === 'appended') return;
    const key = row[table.key] as string;
    if (!this.current[name]!.has(key))
      throw new Error(`a decision wrote a row that its keys do not name: ${name} ${key}`);
  }
}
