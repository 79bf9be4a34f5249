import { Router } from 'express';
import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EntityStore, orderRoute } from '@order-events/service-kit/entities';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { tables } from './domain';
import { OrdersController } from './handlers/orders.controller';
import { stockRoutes } from './handlers/stock.routes';
import { entities, ReservationEntity } from './store/entities';

runService('inventory', {
  config: () => loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: 3011 }),
  module: (config, log) => ({
    module: class InventoryModule {},
    imports: [
      EventsModule.forService({
        service: 'inventory',
        tables,
        config,
        log,
        routes(service) {
          const store = service.open((database) => new EntityStore({ ...database, entities }));
          return Router().use(stockRoutes(store), orderRoute(store, ReservationEntity));
        },
      }),
    ],
    controllers: [OrdersController],
  }),
});
