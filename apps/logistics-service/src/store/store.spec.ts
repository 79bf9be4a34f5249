import { openServiceDatabase, orderTableContract } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { database } from '../../test/database';
import { tables, type Shipment } from '../domain';
import { entities, ShipmentEntity } from './entities';

const own = openServiceDatabase(database, tables, (url) => new DataSource({ type: 'postgres', url, entities }));

orderTableContract<Shipment>(own, {
  table: tables.shipments,
  full: {
    order_id: 'o1',
    version: 3,
    state: 'dispatched',
    items: [{ product_id: 'apple', quantity: 2 }],
    address: { street: 'Main Street 1', city: 'Springfield' },
    carrier: 'Parcels',
    tracking_number: 't1',
    reason: null,
  },
  entity: (order_id) => own.source.getRepository(ShipmentEntity).findOneByOrFail({ order_id }),
  refused: [
    ['an unknown state', { state: 'lost' as never }],
    ['a parcel without a carrier', { carrier: null }],
    ['a parcel without a tracking number', { tracking_number: null }],
    ['a failure without a reason', { state: 'failed' }],
  ],
});
