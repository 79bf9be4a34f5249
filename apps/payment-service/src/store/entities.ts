import { EntitySchema, type ValueTransformer } from 'typeorm';
import type { Payment } from '../domain';

/** The driver hands bigints over as text; amounts are safe integers by their schema. */
const money: ValueTransformer = { to: (value: number) => value, from: Number };

export const PaymentEntity = new EntitySchema<Payment>({
  name: 'Payment',
  tableName: 'payments',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer', default: 0 },
    state: { type: 'text', default: 'none' },
    cancelled: { type: 'boolean', default: false },
    capture_wanted: { type: 'boolean', default: false },
    amount: { type: 'bigint', default: 0, transformer: money },
    currency: { type: 'text', default: '' },
    authorization_id: { type: 'text', nullable: true },
    capture_id: { type: 'text', nullable: true },
    refund_id: { type: 'text', nullable: true },
    reason: { type: 'text', nullable: true },
  },
});

export const entities = [PaymentEntity];
