import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EntityStore, orderRoute } from '@order-events/service-kit/entities';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { orderHandlers, tables } from './domain';
import { HttpGateway } from './gateway/http-gateway';
import { effects } from './handlers/effects';
import { ORDER_HANDLERS, OrdersController } from './handlers/orders.controller';
import { entities, PaymentEntity } from './store/entities';

runService('payment', {
  config: () => loadConfig([...SERVICE_SETTINGS, 'GATEWAY_URL', 'OUTSIDE_TIMEOUT_MS'], { OPERATOR_PORT: 3021 }),
  module: (config, log) => {
    const gateway = new HttpGateway({ url: config.GATEWAY_URL, timeoutMs: config.OUTSIDE_TIMEOUT_MS });
    // An order that names no token is paid by a test card in development, and declined in production.
    const handlers = orderHandlers(config.NODE_ENV === 'production' ? null : 'tok_ok');
    return {
      module: class PaymentModule {},
      imports: [
        EventsModule.forService({
          service: 'payment',
          tables,
          config,
          log,
          effects: effects(gateway),
          routes: (service) =>
            orderRoute(
              service.open((database) => new EntityStore({ ...database, entities })),
              PaymentEntity,
            ),
        }),
      ],
      controllers: [OrdersController],
      providers: [{ provide: ORDER_HANDLERS, useValue: handlers }],
    };
  },
});
