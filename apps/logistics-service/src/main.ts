import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EntityStore, orderRoute } from '@order-events/service-kit/entities';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { HttpCarrier } from './carrier/http-carrier';
import { tables } from './domain';
import { effects } from './handlers/effects';
import { OrdersController } from './handlers/orders.controller';
import { entities, ShipmentEntity } from './store/entities';

runService('logistics', {
  config: () => loadConfig([...SERVICE_SETTINGS, 'CARRIER_URL', 'OUTSIDE_TIMEOUT_MS'], { OPERATOR_PORT: 3031 }),
  module: (config, log) => {
    const carrier = new HttpCarrier({ url: config.CARRIER_URL, timeoutMs: config.OUTSIDE_TIMEOUT_MS });
    return {
      module: class LogisticsModule {},
      imports: [
        EventsModule.forService({
          service: 'logistics',
          tables,
          config,
          log,
          effects: effects(carrier),
          routes: (service) =>
            orderRoute(
              service.open((database) => new EntityStore({ ...database, entities })),
              ShipmentEntity,
            ),
        }),
      ],
      controllers: [OrdersController],
    };
  },
});
