import type { Queryable } from '@order-events/store';

/** Fills the catalogue for development. A product that is there already is left as it is. */
export async function seed(session: Queryable): Promise<void> {
  await session.query(`
    INSERT INTO products (product_id, name, price, currency)
    SELECT 'prod' || number, 'Product ' || number, 1000, 'EUR' FROM generate_series(1, 6) AS number
    UNION ALL SELECT 'prod-scarce', 'Scarce product', 1000, 'EUR'
    ON CONFLICT DO NOTHING`);
}
