import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { CloudEvent } from '@order-events/contracts';
import type { Rows } from '@order-events/messaging';
import { keys, type OrderHandlers, type PaymentTables } from '../domain';

export const ORDER_HANDLERS = Symbol('OrderHandlers');

/** What payment does when an order moves on. */
@Controller()
export class OrdersController {
  constructor(@Inject(ORDER_HANDLERS) private readonly handlers: OrderHandlers) {}

  @EventPattern('order.created', { keys })
  created(@Payload() event: CloudEvent<'order.created'>, @Ctx() rows: Rows<PaymentTables>) {
    return this.handlers.created.decide(rows, event);
  }

  @EventPattern('order.confirmed', { keys })
  confirmed(@Payload() event: CloudEvent<'order.confirmed'>, @Ctx() rows: Rows<PaymentTables>) {
    return this.handlers.confirmed.decide(rows, event);
  }

  @EventPattern('order.cancelled', { keys })
  cancelled(@Payload() event: CloudEvent<'order.cancelled'>, @Ctx() rows: Rows<PaymentTables>) {
    return this.handlers.cancelled.decide(rows, event);
  }
}
