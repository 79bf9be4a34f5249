import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { CloudEvent } from '@order-events/contracts';
import type { Rows } from '@order-events/messaging';
import { cancelled, completed, confirmed, created, type EmailTables } from '../domain';

/** Which mails an order's way leads to. */
@Controller()
export class OrdersController {
  @EventPattern('order.created', { keys: created.keys })
  created(@Payload() event: CloudEvent<'order.created'>, @Ctx() rows: Rows<EmailTables>) {
    return created.decide(rows, event);
  }

  @EventPattern('order.confirmed', { keys: confirmed.keys })
  confirmed(@Payload() event: CloudEvent<'order.confirmed'>, @Ctx() rows: Rows<EmailTables>) {
    return confirmed.decide(rows, event);
  }

  @EventPattern('order.completed', { keys: completed.keys })
  completed(@Payload() event: CloudEvent<'order.completed'>, @Ctx() rows: Rows<EmailTables>) {
    return completed.decide(rows, event);
  }

  @EventPattern('order.cancelled', { keys: cancelled.keys })
  cancelled(@Payload() event: CloudEvent<'order.cancelled'>, @Ctx() rows: Rows<EmailTables>) {
    return cancelled.decide(rows, event);
  }
}
