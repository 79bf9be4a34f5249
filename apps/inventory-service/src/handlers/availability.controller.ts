import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Availability, RequestData, requests } from '@order-events/contracts';
import { EntityStore } from '@order-events/service-kit/entities';
import { availabilityOf } from '../domain';
import { StockEntity } from '../store/entities';

/** What inventory answers. It reads what is committed, locks nothing, and takes no connection of those that orders need. */
@Controller()
export class AvailabilityController {
  constructor(@Inject(EntityStore) private readonly store: Pick<EntityStore, 'query'>) {}

  @MessagePattern('inventory.availability')
  async availability(
    @Payload() { product_id }: RequestData<typeof requests, 'inventory.availability'>,
  ): Promise<Availability> {
    const stock = await this.store.query((manager) => manager.findOneBy(StockEntity, { product_id }));
    return availabilityOf(product_id, stock ?? undefined);
  }
}
