import type { EventHandler } from '@order-events/messaging';
import { inventoryRejected, inventoryReserved } from './inventory';
import {
  paymentAuthorized,
  paymentCaptured,
  paymentCaptureFailed,
  paymentDeclined,
  paymentRefunded,
  paymentVoided,
} from './payment';
import { shipmentDispatched, shipmentFailed } from './shipment';
import type { OrderTables } from './tables';

export * from './end';
export * from './place';
export * from './tables';

export const handlers: readonly EventHandler<OrderTables>[] = [
  inventoryReserved,
  inventoryRejected,
  paymentAuthorized,
  paymentDeclined,
  paymentCaptured,
  paymentCaptureFailed,
  paymentVoided,
  paymentRefunded,
  shipmentDispatched,
  shipmentFailed,
];
