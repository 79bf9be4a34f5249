import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { CloudEvent } from '@order-events/contracts';
import type { Rows } from '@order-events/messaging';
import { cancelled, created, paid, recalled, type LogisticsTables } from '../domain';

/** What logistics does when an order moves on. */
@Controller()
export class OrdersController {
  @EventPattern('order.created', { keys: created.keys })
  created(@Payload() event: CloudEvent<'order.created'>, @Ctx() rows: Rows<LogisticsTables>) {
    return created.decide(rows, event);
  }

  @EventPattern('order.paid', { keys: paid.keys })
  paid(@Payload() event: CloudEvent<'order.paid'>, @Ctx() rows: Rows<LogisticsTables>) {
    return paid.decide(rows, event);
  }

  @EventPattern('order.recalled', { keys: recalled.keys })
  recalled(@Payload() event: CloudEvent<'order.recalled'>, @Ctx() rows: Rows<LogisticsTables>) {
    return recalled.decide(rows, event);
  }

  @EventPattern('order.cancelled', { keys: cancelled.keys })
  cancelled(@Payload() event: CloudEvent<'order.cancelled'>, @Ctx() rows: Rows<LogisticsTables>) {
    return cancelled.decide(rows, event);
  }
}
