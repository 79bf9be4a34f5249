import type { ColumnType, Table } from '@order-events/messaging';
import type { Statement } from './database';

/** The statements that lock, write and append the rows of one table, a whole batch each. */
export interface TableSql {
  /** ($1 keys, sorted) */
  lock: Statement;
  /** ($1 rows as a JSON array) */
  write: Statement;
}

const SQL_TYPES: Record<ColumnType, string> = {
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  boolean: 'boolean',
  json: 'jsonb',
};

/** What the statements are made of. */
type Shape = Pick<Table<{ version: number }>, 'name' | 'rows'> & { key: string; columns: Record<string, ColumnType> };

const cache = new WeakMap<Shape, TableSql>();

export function tableSql(table: Shape): TableSql {
  const known = cache.get(table);
  if (known) return known;
  const made = make(table);
  cache.set(table, made);
  return made;
}

function make({ name, key, columns, rows }: Shape): TableSql {
  const entries = Object.entries(columns);
  const list = entries.map(([column]) => column).join(', ');
  const recordset = `json_to_recordset($1::json) AS v (${entries.map(([column, type]) => `${column} ${SQL_TYPES[type]}`).join(', ')})`;
  const locks = {
    // The insert takes the key even where there is no row, so nobody else can find "no row" at the same time.
    made: `INSERT INTO ${name} (${key}) SELECT unnest($1::text[])
           ON CONFLICT (${key}) DO UPDATE SET ${key} = excluded.${key} RETURNING ${list}`,
    found: `SELECT ${list} FROM ${name} WHERE ${key} = ANY ($1::text[]) ORDER BY ${key} COLLATE "C" FOR UPDATE`,
    appended: '',
  };
  const assignments = entries.filter(([column]) => column !== key).map(([column]) => `${column} = v.${column}`);
  return {
    lock: { name: `${name}_lock`, text: locks[rows] },
    write: {
      name: `${name}_write`,
      text:
        rows === 'appended'
          ? `INSERT INTO ${name} (${list}) SELECT ${list} FROM ${recordset}`
          : `UPDATE ${name} SET ${assignments.join(', ')} FROM ${recordset} WHERE ${name}.${key} = v.${key}`,
    },
  };
}
