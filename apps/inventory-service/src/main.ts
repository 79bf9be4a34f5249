import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { tables } from './domain';
import { OrdersController } from './handlers/orders.controller';
import { stockRoutes } from './handlers/stock.routes';

runService('inventory', {
  config: () => loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: 3011 }),
  module: (config, log) => ({
    module: class InventoryModule {},
    imports: [EventsModule.forService({ service: 'inventory', tables, config, log, routes: stockRoutes })],
    controllers: [OrdersController],
  }),
});
