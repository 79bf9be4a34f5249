import type { Row, Table } from '@order-events/messaging';

/** A table for the suite; the store under test must have it, empty. */
export interface Counter extends Row {
  name: string;
  count: number;
  note: { text: string } | null;
}

const counter: Table<Counter> = {
  name: 'counters',
  key: 'name',
  columns: { name: 'text', version: 'integer', count: 'bigint', note: 'json' },
  rows: 'made',
  blank: (name) => ({ name, version: 0, count: 0, note: null }),
};

type Mark = Row & { name: string };
const mark: Table<Mark> = { name: 'marks', key: 'name', columns: { name: 'text', version: 'integer' }, rows: 'found' };

export const counters = {
  counters: counter,
  marks: mark,
  journal: { ...mark, name: 'journal', rows: 'appended' as const },
};

/** SQL for a store that needs it. */
export const counterTables = `
  CREATE TABLE counters (name text PRIMARY KEY, version integer NOT NULL DEFAULT 0, count bigint NOT NULL DEFAULT 0 CHECK (count >= 0), note jsonb);
  CREATE TABLE marks (name text PRIMARY KEY, version integer NOT NULL DEFAULT 0);
  CREATE TABLE journal (name text NOT NULL, version integer NOT NULL);`;
