import type { EffectHandler } from '@order-events/messaging';
import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EntityStore, orderRoute } from '@order-events/service-kit/entities';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { HttpCarrier } from './carrier/http-carrier';
import { dispatchAnswered, tables, type DispatchAnswer, type DispatchInput, type LogisticsTables } from './domain';
import { OrdersController } from './handlers/orders.controller';
import { entities, ShipmentEntity } from './store/entities';

runService('logistics', {
  config: () => loadConfig([...SERVICE_SETTINGS, 'CARRIER_URL', 'OUTSIDE_TIMEOUT_MS'], { OPERATOR_PORT: 3031 }),
  module: (config, log) => {
    const carrier = new HttpCarrier({ url: config.CARRIER_URL, timeoutMs: config.OUTSIDE_TIMEOUT_MS });
    const dispatch: EffectHandler<LogisticsTables, DispatchInput, DispatchAnswer> = {
      ...dispatchAnswered,
      call: (input, call) => carrier.dispatch(input, call),
    };
    return {
      module: class LogisticsModule {},
      imports: [
        EventsModule.forService({
          service: 'logistics',
          tables,
          config,
          log,
          effects: [dispatch],
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
