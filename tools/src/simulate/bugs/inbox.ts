import { Pipeline, type Rows, type Tables, type Tx } from '@order-events/messaging';
import type { Database } from '../workspace';
import { afterwards, but, transactions, type Bug } from './bug';

export const inboxBugs: readonly Bug[] = [
  {
    name: 'ack before commit',
    within: 40,
    parts: {
      transport: (transport) =>
        but(transport, {
          subscribe: (subscribe) =>
            transport.subscribe({
              ...subscribe,
              handle(batch) {
                subscribe.handle(batch).catch(() => {});
                return Promise.resolve();
              },
            }),
        }),
    },
  },
  {
    name: 'a transaction that failed is acknowledged',
    within: 20,
    parts: {
      pipeline(options) {
        const { store } = options;
        const forgiving = but(store, { transact: (work) => store.transact(work).catch(() => [] as never) });
        return new Pipeline({ ...options, store: forgiving });
      },
    },
  },
  {
    name: 'no inbox',
    within: 20,
    parts: { store: transactions(() => ({ held: () => Promise.resolve(new Map()) })) },
  },
  {
    name: 'inbox in another transaction than the rows',
    within: 5,
    parts: {
      store: afterwards((later) => ({
        take(group, entries) {
          later.push((tx) => tx.take(group, entries));
          return Promise.resolve();
        },
      })),
    },
  },
  {
    name: 'retry that does not look at the state',
    within: 40,
    parts: {
      store: transactions((tx) => ({
        async held(group, ids) {
          const held = await tx.held(group, ids);
          return new Map([...held].map(([id, state]) => [id, state === 'applied' ? 'retrying' : state]));
        },
        // The inbox looks, too, at what it is told was tried again.
        take: (group, entries) =>
          tx.take(
            group,
            entries.map((entry) => ({ ...entry, retried: false })),
          ),
      })),
    },
  },
  {
    name: 'dead letter that holds its key',
    within: 40,
    parts: {
      pipeline(options) {
        const { observer } = options;
        const stuck = new Set<string>();
        const watching = but(observer, {
          handled(arrival, outcome, error) {
            if (outcome === 'dead') stuck.add(arrival.key);
            observer.handled(arrival, outcome, error);
          },
        });
        const pipeline = new Pipeline({ ...options, observer: watching });
        return but(pipeline, {
          async handle(batch, signal) {
            if (batch.some(({ key }) => stuck.has(key))) throw new Error('an earlier event of the order is dead');
            await pipeline.handle(batch, signal);
          },
        });
      },
    },
  },
  {
    name: 'a version that is not known yet is a dead letter',
    within: 20,
    parts: {
      store: transactions((tx) => ({
        take: (group, entries) =>
          tx.take(
            group,
            entries.map((entry) =>
              entry.failure?.error.includes('newer_version') ? { ...entry, state: 'dead' } : entry,
            ),
          ),
      })),
    },
  },
  {
    name: 'gives up at the first error',
    within: 20,
    parts: {
      pipeline: (options) => new Pipeline({ ...options, consumer: { ...options.consumer, retry: () => null } }),
    },
  },
  {
    name: 'no attempt before',
    within: 40,
    parts: { pipeline: (options) => new Pipeline({ ...options, caution: undefined }) },
  },
  {
    name: 'lock after read',
    within: 20,
    parts: {
      store: transactions((tx, { database }) => ({
        async lock(tables, keys) {
          const seen = peek(database, tables, keys, () => true);
          await tx.lock(tables, keys);
          return seen as unknown as Rows<typeof tables>;
        },
      })),
    },
  },
  {
    name: 'tombstone by DO NOTHING',
    within: 40,
    parts: {
      store: transactions((tx, { database }) => ({
        lock: (tables, keys) =>
          lockOnly(
            tx,
            database,
            tables,
            keys,
            (table, key) => table.rows === 'found' || database.table(table.name).has(key),
          ),
      })),
    },
  },
  {
    name: 'stock that nobody locks',
    within: 40,
    parts: {
      store: transactions((tx, { database }) => ({
        lock: (tables, keys) => lockOnly(tx, database, tables, keys, (table) => table.name !== 'stock'),
      })),
    },
  },
];

type AnyKeys = Readonly<Record<string, readonly string[] | undefined>>;

/** Locks some of the rows, and only reads the others. */
async function lockOnly<T extends Tables>(
  tx: Tx,
  database: Database,
  tables: T,
  keys: AnyKeys,
  locks: (table: T[string], key: string) => boolean,
): Promise<Rows<T>> {
  const isLocked = (name: string, key: string) => locks(tables[name] as T[string], key);
  const wanted = Object.entries(keys).map(([name, list = []]) => [name, list.filter((key) => isLocked(name, key))]);
  const unlocked = peek(database, tables, keys, (name, key) => !isLocked(name, key));
  const locked = await tx.lock(tables, Object.fromEntries(wanted) as never);
  const tablesOf = Object.entries(locked) as [string, ReadonlyMap<string, object>][];
  return Object.fromEntries(
    tablesOf.map(([name, rows]) => [name, new Map([...rows, ...unlocked[name]!])]),
  ) as unknown as Rows<T>;
}

function peek(
  database: Database,
  tables: Tables,
  keys: AnyKeys,
  which: (name: string, key: string) => boolean,
): Record<string, Map<string, object>> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, table]) => {
      const rows = new Map<string, object>();
      for (const key of keys[name] ?? []) {
        const row = database.table(table.name).get(key) ?? (table.blank?.(key) as object | undefined);
        if (row && which(name, key)) rows.set(key, structuredClone(row));
      }
      return [name, rows];
    }),
  );
}
