import { EntitySchema, type ValueTransformer } from 'typeorm';
import type { Reservation, Stock } from '../domain';

/** The driver hands bigints over as text; counts are far below where numbers lose precision. */
const count: ValueTransformer = { to: (value: number) => value, from: Number };

export const StockEntity = new EntitySchema<Stock>({
  name: 'Stock',
  tableName: 'stock',
  columns: {
    product_id: { type: 'text', primary: true },
    version: { type: 'integer', default: 0 },
    available: { type: 'bigint', default: 0, transformer: count },
    reserved: { type: 'bigint', default: 0, transformer: count },
    sold: { type: 'bigint', default: 0, transformer: count },
  },
});

export const ReservationEntity = new EntitySchema<Reservation>({
  name: 'Reservation',
  tableName: 'reservations',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer', default: 0 },
    state: { type: 'text', default: 'none' },
    items: { type: 'jsonb', default: [] },
  },
});

export const entities = [StockEntity, ReservationEntity];
