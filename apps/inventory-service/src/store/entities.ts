import { EntitySchema } from 'typeorm';
import { bigint } from '@order-events/service-kit/entities';
import type { Reservation, Stock } from '../domain';

export const StockEntity = new EntitySchema<Stock>({
  name: 'Stock',
  tableName: 'stock',
  columns: {
    product_id: { type: 'text', primary: true },
    version: { ...bigint, default: 0 },
    available: { ...bigint, default: 0 },
    reserved: { ...bigint, default: 0 },
    sold: { ...bigint, default: 0 },
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
