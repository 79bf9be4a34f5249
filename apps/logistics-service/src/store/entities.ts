import { EntitySchema } from 'typeorm';
import type { Shipment } from '../domain';

export const ShipmentEntity = new EntitySchema<Shipment>({
  name: 'Shipment',
  tableName: 'shipments',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer', default: 0 },
    state: { type: 'text', default: 'none' },
    items: { type: 'jsonb', default: [] },
    address: { type: 'jsonb', nullable: true },
    carrier: { type: 'text', nullable: true },
    tracking_number: { type: 'text', nullable: true },
    reason: { type: 'text', nullable: true },
  },
});

export const entities = [ShipmentEntity];
