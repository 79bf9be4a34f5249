import { pieces } from './case';
import { type Invariant, ofEachCase } from './invariant';

export const goodsInvariants: readonly Invariant[] = [
  ofEachCase('a completed order has left once, with its goods and under its tracking number', (about) => {
    const { order, shipment, parcels } = about;
    if (order?.status !== 'completed') return null;
    const [only] = parcels;
    if (!only || parcels.length > 1) return `has ${parcels.length} parcels`;
    if (only.tracking_number !== order.tracking_number || only.tracking_number !== shipment?.tracking_number)
      return `is under way as ${only.tracking_number}, told was ${order.tracking_number}`;
    return pieces(only.items) === pieces(order.items) ? undefined : `is under way with ${pieces(only.items)}`;
  }),

  ofEachCase('a cancelled order has not left', ({ order, shipment, parcels }) => {
    if (order?.status !== 'cancelled') return null;
    if (parcels.length > 0) return `has ${parcels.length} parcels`;
    return shipment?.state === 'cancelled' ? undefined : `has its shipment ${shipment?.state ?? 'unknown'}`;
  }),
];
