import { contradiction, onAnswer } from './answer';
import { cancel, complete } from './transitions';

export const shipmentDispatched = onAnswer('shipment.dispatched', (order, { carrier, tracking_number }, cause) => {
  if (order.status === 'paid') return complete(order, { carrier, tracking_number }, cause);
  const known = order.carrier === carrier && order.tracking_number === tracking_number;
  if (order.status !== 'completed' || !known) throw contradiction(order, cause);
  return {};
});

export const shipmentFailed = onAnswer('shipment.failed', (order, _, cause) => {
  if (order.status !== 'paid') throw contradiction(order, cause);
  return cancel(order, 'shipment_failed', cause);
});
