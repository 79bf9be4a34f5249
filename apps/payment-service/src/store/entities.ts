import { EntitySchema } from 'typeorm';
import { bigint } from '@order-events/service-kit/entities';
import type { Payment } from '../domain';

export const PaymentEntity = new EntitySchema<Payment>({
  name: 'Payment',
  tableName: 'payments',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer', default: 0 },
    state: { type: 'text', default: 'none' },
    cancelled: { type: 'boolean', default: false },
    capture_wanted: { type: 'boolean', default: false },
    amount: { ...bigint, default: 0 },
    currency: { type: 'text', default: '' },
    authorization_id: { type: 'text', nullable: true },
    capture_id: { type: 'text', nullable: true },
    refund_id: { type: 'text', nullable: true },
    reason: { type: 'text', nullable: true },
  },
});

export const entities = [PaymentEntity];
