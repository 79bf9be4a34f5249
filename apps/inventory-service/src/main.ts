import { Router } from 'express';
import { EventService, loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EntityStore, orderRoute } from '@order-events/service-kit/entities';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { tables } from './domain';
import { AvailabilityController } from './handlers/availability.controller';
import { OrdersController } from './handlers/orders.controller';
import { stockRoutes } from './handlers/stock.routes';
import { entities, ReservationEntity } from './store/entities';

runService('inventory', {
  config: () => loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: 3011 }),
  module(config, log) {
    let opened: EntityStore | undefined;
    const storeOf = (service: Pick<EventService, 'open'>) =>
      (opened ??= service.open((database) => new EntityStore({ ...database, entities })));
    return {
      module: class InventoryModule {},
      imports: [
        EventsModule.forService({
          service: 'inventory',
          tables,
          config,
          log,
          routes: (service) => {
            const store = storeOf(service);
            return Router().use(stockRoutes(store), orderRoute(store, ReservationEntity));
          },
        }),
      ],
      providers: [{ provide: EntityStore, inject: [EventService], useFactory: storeOf }],
      controllers: [OrdersController, AvailabilityController],
    };
  },
});
