import type { Queryable } from '@order-events/store';

/** Fills the shelves for development. Stock that is there already is left as it is. */
export async function seed(session: Queryable): Promise<void> {
  await session.query(`
    INSERT INTO stock (product_id, available)
    SELECT 'prod' || number, 1000000000 FROM generate_series(1, 6) AS number
    UNION ALL SELECT 'prod-scarce', 1
    ON CONFLICT DO NOTHING`);
}
