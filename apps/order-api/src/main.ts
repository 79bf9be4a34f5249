import { EventService, healthRoutes, listen, runProcess } from '@order-events/service-kit';
import { EntityStore } from '@order-events/service-kit/entities';
import { Bridge } from './bridge/bridge';
import { readConfig } from './config';
import { Sweeper, TICK_MS } from './deadlines/sweeper';
import { handlers, tables } from './domain';
import { Door } from './door/door';
import { forgetKeys } from './door/forget-keys';
import { OutboxAge } from './door/outbox-age';
import { publicApp } from './http/app';
import { operatorRoutes } from './http/operator';
import { entities as schemas } from './store/entities';

const OUTBOX_AGE_MS = 1_000;
const FORGET_KEYS_MS = 60_000;
const HTTP_GRACE_MS = 5_000;
/** A customer waits no longer for what another service knows. */
const REPLY_MS = 2_000;

runProcess('order-api', async (log) => {
  const config = readConfig();
  log.level = config.LOG_LEVEL;
  const service = new EventService({ service: 'order-api', tables, config, log });
  const { store, transport, checks, tracer } = service;
  const entities = service.open((database) => new EntityStore({ ...database, entities: schemas }));

  const outboxAge = new OutboxAge(store);
  const door = new Door({ store, maxEventBytes: transport.capabilities.maxBytes });
  const sweeper = new Sweeper({ store, transport, deadlineS: config.ORDER_DEADLINE_S, log, tracer });
  // Without a broker the door goes on, and says by itself when it takes no more orders: nobody is to be sent elsewhere.
  const { transport: _broker, ...ownChecks } = checks;
  const health = healthRoutes('order-api', ownChecks);
  const caller = service.caller();
  const availabilityOf = (product_id: string, traceparent: string | undefined) =>
    caller.ask('inventory.availability', { product_id }, { timeoutMs: REPLY_MS, traceparent });
  const app = publicApp({ availabilityOf, store, entities, door, outboxAge, health, log, tracer });

  await service.start([], operatorRoutes({ store, entities, tracer }));
  await service.consume(handlers);
  service.every('outbox age', OUTBOX_AGE_MS, () => outboxAge.refresh());
  service.every('deadlines', TICK_MS, () => sweeper.tick());
  service.every('idempotency keys', FORGET_KEYS_MS, () => forgetKeys(store.database));
  const bridge = new Bridge({ service, outboxAge, config, log });
  bridge.start();
  const http = await listen(app, config.HOST, config.PORT, 'PORT');
  log.info({ port: http.port }, 'ready');
  return async () => {
    service.leave();
    await Promise.all([http.close(HTTP_GRACE_MS), bridge.stop()]);
    await service.stop();
  };
});
