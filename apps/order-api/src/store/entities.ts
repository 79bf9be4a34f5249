import { EntitySchema } from 'typeorm';
import { bigint } from '@order-events/service-kit/entities';
import type { Order } from '../domain';

/** What customers can order, and for how much. */
export interface Product {
  product_id: string;
  name: string;
  /** Minor units. */
  price: number;
  currency: string;
}

/** The one row of the clock that deadlines are measured by; it stands still while the outbox is behind. */
export interface DeadlineClock {
  id: 1;
  seconds: number;
  /** When it was looked at last. */
  ticked_at: Date;
}

const optionalText = { type: 'text', nullable: true } as const;

export const ProductEntity = new EntitySchema<Product>({
  name: 'Product',
  tableName: 'products',
  columns: {
    product_id: { type: 'text', primary: true },
    name: { type: 'text' },
    price: bigint,
    currency: { type: 'text' },
  },
});

export const OrderEntity = new EntitySchema<Order>({
  name: 'Order',
  tableName: 'orders',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer' },
    status: { type: 'text' },
    user_id: { type: 'text' },
    items: { type: 'jsonb' },
    total: bigint,
    currency: { type: 'text' },
    email: optionalText,
    shipping_address: { type: 'jsonb', nullable: true },
    payment_token: optionalText,
    placed_at: bigint,
    inventory: optionalText,
    payment: optionalText,
    recalled: { type: 'boolean', default: false },
    cancel_reason: optionalText,
    carrier: optionalText,
    tracking_number: optionalText,
    deadline: { ...bigint, nullable: true },
  },
});

export const DeadlineClockEntity = new EntitySchema<DeadlineClock>({
  name: 'DeadlineClock',
  tableName: 'deadline_clock',
  columns: {
    id: { type: 'integer', primary: true },
    seconds: { type: 'double precision' },
    ticked_at: { type: 'timestamptz', default: () => 'clock_timestamp()' },
  },
});

export const entities = [ProductEntity, OrderEntity, DeadlineClockEntity];
