import { randomUUID } from 'node:crypto';
import { asPublished, decode, encode, systemRuntime, type Message } from '@order-events/messaging';
import { describeBroker, eventually, orderBody, sharedBroker } from '@order-events/testing';
import { loadConfig } from './config/load';
import { openTransport, TRANSPORT_SETTINGS } from './transports';

const data = orderBody('o1', { email: `${'a'.repeat(2_000)}@example.com` });
const order = asPublished({
  ...encode({ type: 'order.created', subject: 'o1', sequence: 1, data }, systemRuntime.eventId(), { source: '/test' }),
  position: 1,
  time: new Date(),
});
const type = 'application/protobuf';

describe.each([
  ['kafka', undefined],
  ['rabbitmq', 'gzip'],
  ['nats', 'snappy'],
  ['nsq', 'gzip'],
] as const)('on %s', (name, encoding) => {
  describeBroker(name, () => {
    test(`an event goes as Protobuf, packed by ${encoding ?? 'its client'}, and is read as it was`, async () => {
      const { env } = await sharedBroker(name);
      const form = { CODEC: 'protobuf', COMPRESSION: encoding ?? 'snappy', TOPIC_PREFIX: `codecs-${randomUUID()}.` };
      const coded: number[] = [];
      const { transport } = openTransport(loadConfig(TRANSPORT_SETTINGS, {}, { ...env, ...form, TRANSPORT: name }), {
        applicationName: 'test',
        onError: () => {},
        onCoded: (_, before, after) => void coded.push(before, after),
      });
      const came: Message[] = [];
      await transport.declare([{ topic: order.topic, groups: ['g'] }]);
      expect(await transport.publish([order])).toEqual([{ stored: true }]);
      const subscription = await transport.subscribe({
        ...{ group: 'g', topics: [order.topic], batch: 10, waitMs: 0, inFlight: 10, parallel: 1 },
        handle: (batch) => Promise.resolve(void came.push(...batch)),
      });
      await eventually(() => came.length > 0);
      await subscription.close();
      await transport.close();
      const [{ headers, body }] = came as [Message];
      expect([headers['content-type'], headers['content-encoding']]).toEqual([type, encoding]);
      expect(coded).toEqual([order.body.byteLength, body.byteLength]);
      expect(decode(came[0]!)).toMatchObject({ ok: true, event: { data, attributes: { type: 'order.created' } } });
    });
  });
});
