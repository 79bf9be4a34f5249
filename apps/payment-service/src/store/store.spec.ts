import { openServiceDatabase, orderTableContract } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { database } from '../../test/database';
import { tables, type Payment } from '../domain';
import { entities, PaymentEntity } from './entities';

const own = openServiceDatabase(database, tables, (url) => new DataSource({ type: 'postgres', url, entities }));

orderTableContract<Payment>(own, {
  table: tables.payments,
  full: {
    order_id: 'o1',
    version: 7,
    state: 'refunded',
    cancelled: true,
    capture_wanted: true,
    amount: 9_007_199_254_740_991,
    currency: 'EUR',
    authorization_id: 'a1',
    capture_id: 'c1',
    refund_id: 'r1',
    reason: null,
  },
  entity: (order_id) => own.source.getRepository(PaymentEntity).findOneByOrFail({ order_id }),
  refused: [
    ['an unknown state', { state: 'lost' as never }],
    ['a negative amount', { amount: -1 }],
    ['an authorisation without its id', { state: 'authorized', authorization_id: null }],
    ['a capture without its id', { state: 'captured', capture_id: null }],
    ['a refund without its id', { refund_id: null }],
    ['a refusal without a reason', { state: 'capture_failed' }],
    ['money that goes back for an order that is not cancelled', { cancelled: false }],
  ],
});
