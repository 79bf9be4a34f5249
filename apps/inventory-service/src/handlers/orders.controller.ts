import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { CloudEvent } from '@order-events/contracts';
import type { Rows } from '@order-events/messaging';
import { cancelled, created, paid, type InventoryTables } from '../domain';

/** What inventory does when an order moves on. */
@Controller()
export class OrdersController {
  @EventPattern('order.created', { keys: created.keys })
  created(@Payload() event: CloudEvent<'order.created'>, @Ctx() rows: Rows<InventoryTables>) {
    return created.decide(rows, event);
  }

  @EventPattern('order.paid', { keys: paid.keys })
  paid(@Payload() event: CloudEvent<'order.paid'>, @Ctx() rows: Rows<InventoryTables>) {
    return paid.decide(rows, event);
  }

  @EventPattern('order.cancelled', { keys: cancelled.keys })
  cancelled(@Payload() event: CloudEvent<'order.cancelled'>, @Ctx() rows: Rows<InventoryTables>) {
    return cancelled.decide(rows, event);
  }
}
