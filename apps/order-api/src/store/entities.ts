import { EntitySchema } from 'typeorm';
import { bigint } from '@order-events/service-kit/entities';
import type { HistoryLine, Order } from '../domain';

/** What customers can order, and for how much. */
export interface Product {
  product_id: string;
  name: string;
  /** Minor units. */
  price: number;
  currency: string;
}

/** What a request with an Idempotency-Key was answered, so that a repeated one gets the same answer. */
export interface IdempotencyKey {
  caller: string;
  key: string;
  /** Of the request, to tell a repeated one from another one with the same key. */
  fingerprint: string;
  order_id: string;
  status_code: number;
  body: object;
  created_at: Date;
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

export const HistoryLineEntity = new EntitySchema<HistoryLine & { at: Date }>({
  name: 'HistoryLine',
  tableName: 'order_history',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer', primary: true },
    at: { type: 'timestamptz', default: () => 'clock_timestamp()' },
    event: { type: 'text' },
    status: { type: 'text' },
    detail: { type: 'jsonb' },
  },
});

export const IdempotencyKeyEntity = new EntitySchema<IdempotencyKey>({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  columns: {
    caller: { type: 'text', primary: true },
    key: { type: 'text', primary: true },
    fingerprint: { type: 'text' },
    order_id: { type: 'text' },
    status_code: { type: 'integer' },
    body: { type: 'json' },
    created_at: { type: 'timestamptz', default: () => 'clock_timestamp()' },
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

export const entities = [ProductEntity, OrderEntity, HistoryLineEntity, IdempotencyKeyEntity, DeadlineClockEntity];
