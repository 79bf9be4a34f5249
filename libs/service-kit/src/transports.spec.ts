import { describeBroker, sharedBroker } from '@order-events/testing';
import { loadConfig } from './config/load';
import { openTransport, TRANSPORT_SETTINGS } from './transports';

const surroundings = { applicationName: 'test', onError: () => {}, onCoded: () => {} };
const open = (env: Record<string, string>) =>
  openTransport(loadConfig(TRANSPORT_SETTINGS, {}, env as NodeJS.ProcessEnv), surroundings);

test('one transport is itself', async () => {
  const { transport, parts } = open({ EVENTS_DATABASE_URL: 'postgres://127.0.0.1:1/events' });
  expect(parts).toEqual([transport]);
  expect(transport.name).toBe('postgres');
  await transport.close();
});

test.each([
  ['', false],
  ['core', true],
])('with NATS_MODE=%s what NATS carries is fleeting: %s', async (NATS_MODE, isFleeting) => {
  const { transport } = open({ TRANSPORT: 'nats', NATS_URL: 'nats://127.0.0.1:1', NATS_MODE });
  expect(transport.capabilities.fleeting ?? false).toBe(isFleeting);
  await transport.close();
});

describeBroker('nats', () => {
  describeBroker('nsq', () => {
    test('topics go where the settings say', async () => {
      const [nats, nsq] = await Promise.all([sharedBroker('nats'), sharedBroker('nsq')]);
      const { transport, parts } = open({
        ...nsq.env,
        ...nats.env,
        TRANSPORT: 'nats',
        TRANSPORT_ROUTES: 'shipment.*=nsq,order.created=nats+nsq',
      });
      const group = 'g';
      const topics = ['shipment.failed', 'order.created', 'order.paid'];
      await transport.declare(topics.map((topic) => ({ topic, groups: [group] })));
      const published = async (topic: string) => {
        const before = await backlogs();
        const [settled] = await transport.publish([
          { topic, key: 'k', headers: { 'ce-id': topic }, body: Buffer.of() },
        ]);
        expect(settled).toEqual({ stored: true });
        return (await backlogs()).map((backlog, index) => backlog - before[index]!);
      };
      const backlogs = () => Promise.all(parts.map((part) => part.backlog(group)));
      expect(parts.map(({ name }) => name)).toEqual(['nats', 'nsq']);
      expect(await published('shipment.failed')).toEqual([0, 1]);
      expect(await published('order.created')).toEqual([1, 1]);
      expect(await published('order.paid')).toEqual([1, 0]);
      await transport.close();
    });
  });
});
