import type { Row, Store, Table } from '@order-events/messaging';

export interface OrderTable<R extends Row & { order_id: string }> {
  table: Table<R>;
  /** A row that differs from the blank one in as many columns as there can be values in at once. */
  full: R;
  /** The row as its entity reads it. */
  entity(order_id: string): Promise<unknown>;
  /** What the database must not take: what it means, and where it differs from `full`. */
  refused: readonly [meaning: string, wrong: Partial<R>][];
}

/** What every table must do that has a row for each order, made when it is first locked. */
export function orderTableContract<R extends Row & { order_id: string }>(
  open: { readonly store: Store },
  { table, full, entity, refused }: OrderTable<R>,
): void {
  const tables = { table };
  const lock = (order_id: string) => open.store.transact((tx) => tx.lock(tables, { table: [order_id] }));
  const write = (row: R) =>
    open.store.transact(async (tx) => {
      await tx.lock(tables, { table: [row.order_id] });
      await tx.write(tables, { table: [row] });
    });

  describe(`${table.name}: a row for each order`, () => {
    test('one that is made by locking it is the blank one', async () => {
      expect((await lock('o1')).table.get('o1')).toEqual(table.blank!('o1'));
    });

    test('one comes back as it was written, from a decision and as an entity', async () => {
      await write(full);
      expect((await lock(full.order_id)).table.get(full.order_id)).toEqual(full);
      expect(await entity(full.order_id)).toEqual(full);
    });

    test.each(refused)('the database refuses %s', async (_, wrong) => {
      await expect(write({ ...full, ...wrong })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
    });
  });
}
