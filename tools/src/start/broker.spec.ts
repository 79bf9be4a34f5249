import { brokersNamedIn } from './broker';

test.each([
  [{}, []],
  [{ TRANSPORT: 'postgres' }, []],
  [{ TRANSPORT: 'kafka' }, ['kafka']],
  [{ TRANSPORT_ROUTES: 'shipment.*=nsq, order.created = kafka + nats' }, ['kafka', 'nats', 'nsq']],
  [{ TRANSPORT: 'nats', TRANSPORT_ALSO_CONSUME: 'nsq,rabbitmq' }, ['rabbitmq', 'nats', 'nsq']],
  [{ TRANSPORT: 'postgres', BRIDGE_IN: 'kafka:nats', BRIDGE_OUT: 'rabbitmq:a/b/c' }, ['kafka', 'rabbitmq']],
])('the brokers of %j', (env, names) => {
  expect(brokersNamedIn(env as NodeJS.ProcessEnv)).toEqual(names);
});
