import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { dataschema, events, eventSchemas, topics, type JsonSchema, type Topic } from '@order-events/contracts';
import { orderBody } from '@order-events/testing';
import { decode, toBinary } from '../cloud-events';
import { read } from '../pipeline/arrival';
import { systemRuntime } from '../runtime';
import { coded, contentOf, type Coding } from './content';
import { asDelivered, MAX_BODY_BYTES } from './over-long';
import { protobufType } from './protobuf';

const long = 'ü'.repeat(2_000);
const money = { order_id: 'o1', amount: 0, currency: 'EUR' };
const parcel = { carrier: 'Parcels', tracking_number: long };
const order = orderBody('o1', {
  email: 'a@example.com',
  shipping_address: { name: long, street: '1 Main St', city: 'Springfield' },
  total: Number.MAX_SAFE_INTEGER,
});
const samples: Record<Topic, object> = {
  'order.created': order,
  'order.confirmed': orderBody('o1'),
  'order.paid': { ...order, payment_token: '' },
  'order.recalled': order,
  'order.completed': { ...order, ...parcel },
  'order.cancelled': { ...order, reason: 'expired' },
  'inventory.reserved': { order_id: 'o1' },
  'inventory.rejected': { order_id: 'o1', reason: 'out_of_stock', missing: [] },
  'payment.authorized': { ...money, authorization_id: long },
  'payment.declined': { order_id: 'o1', reason: long },
  'payment.captured': { ...money, capture_id: long },
  'payment.capture_failed': { order_id: 'o1', reason: long },
  'payment.voided': { order_id: 'o1' },
  'payment.refunded': { ...money, refund_id: long },
  'shipment.dispatched': { order_id: 'o1', ...parcel },
  'shipment.failed': { order_id: 'o1', reason: long },
};

const message = (type: string, data: object, schema = dataschema(type as Topic)) =>
  toBinary(type, 'o1', { id: systemRuntime.eventId(), source: '/test', type, subject: 'o1', dataschema: schema }, data);
const codings: Coding[] = (['json', 'protobuf'] as const).flatMap((codec) =>
  (['none', 'gzip', 'snappy'] as const).map((compression) => ({ codec, compression, compressFrom: 1_000 })),
);

describe.each(codings)('$codec, $compression', (coding) => {
  test.each(topics)('%s is read as it was', (topic) => {
    const data = samples[topic];
    expect(events[topic].data.parse(data)).toEqual(data);
    const plain = message(topic, data);
    const sent = coded(plain, coding);
    expect(sent.headers['content-type']).toBe(`application/${coding.codec}`);
    const isPacked = coding.compression !== 'none' && JSON.stringify(data).length > 1_500;
    expect(sent.headers['content-encoding']).toBe(isPacked ? coding.compression : undefined);
    expect(sent.body.byteLength).toBeLessThanOrEqual(plain.body.byteLength);
    expect(decode(sent)).toMatchObject({ ok: true, event: { data, attributes: { type: topic } } });
  });
});

describe('stays as it is', () => {
  const [protobuf, gzip] = [codings[3]!, { ...codings[1]!, compressFrom: 1 }];

  test.each([
    ['a type that has no message', message('event.unknown', { a: 1 }, 'urn:order-events:event.unknown:1')],
    ['a version that has none', message('order.created', order, dataschema('order.created', 2))],
    ['no event at all', { topic: 't', key: '', headers: {}, body: Buffer.from('{}') }],
    ['data that does not fit', message('inventory.reserved', { order_id: 7 })],
    ['a field that only a newer version of us knows', message('inventory.reserved', { order_id: 'o1', later: 1 })],
  ])('%s', (_, plain) => {
    expect(coded(plain, protobuf)).toBe(plain);
  });

  test('what is no JSON', () => {
    const torn = { ...message('order.created', order), body: Buffer.from('{ torn apart') };
    expect(coded(torn, protobuf)).toBe(torn);
  });

  test('what would grow', () => {
    const plain = { topic: 't', key: '', headers: {}, body: randomBytes(50) };
    expect(coded(plain, gzip)).toBe(plain);
  });
});

describe('what cannot be read is told, and harms nobody', () => {
  const packed = (encoding: string, body: Uint8Array) => ({
    ...message('order.created', order),
    headers: { ...message('order.created', order).headers, 'content-encoding': encoding },
    body,
  });
  const claimsMuch = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]);

  test.each([
    ['an encoding of others', packed('br', Buffer.from('x')), /content-encoding "br"/],
    ['broken gzip', packed('gzip', gzipSync('{}').subarray(0, 12)), /unexpected end/],
    ['gzip of too much', packed('gzip', gzipSync(Buffer.alloc(40_000_000))), /^over-long: .* unpacked$/],
    ['what is too much as it comes', packed('gzip', Buffer.alloc(MAX_BODY_BYTES + 1)), /^over-long: .* bytes/],
    [
      'what was kept of too much',
      asDelivered(packed('gzip', Buffer.alloc(MAX_BODY_BYTES + 1))),
      /^over-long: .* bytes/,
    ],
    ['broken snappy', packed('snappy', Buffer.from([5, 1, 2])), /snappy|corrupt|decompress|header|offset|premature/i],
    ['snappy of too much', packed('snappy', claimsMuch), /^over-long: .* unpacked$/],
    ['no snappy at all', packed('snappy', Buffer.alloc(0)), /over-long|empty|snappy/i],
  ])('%s', (_, spoilt, detail) => {
    expect(() => contentOf(spoilt)).toThrow(detail);
    expect(decode(spoilt)).toMatchObject({ ok: false, detail: expect.stringMatching(/^the body cannot be read: /) });
  });

  test('broken Protobuf', () => {
    const broken = { ...coded(message('order.created', order), codings[3]!), body: Buffer.from([0xff, 0xff]) };
    expect(decode(broken)).toMatchObject({ ok: false });
  });
});

test('a newer version in Protobuf waits like one in JSON, and an unknown type is one', () => {
  const { headers, ...rest } = coded(message('order.created', order), codings[4]!);
  const as = (changed: object) => read({ ...rest, headers: { ...headers, ...changed } });
  const later = as({ 'ce-dataschema': dataschema('order.created', 9) });
  expect(later).toMatchObject({ id: headers['ce-id'], reading: { ok: false, waits: true } });
  const unknown = as({ 'ce-type': 'order.vanished', 'ce-dataschema': 'urn:order-events:order.vanished:1' });
  expect(unknown).toMatchObject({
    id: headers['ce-id'],
    reading: { ok: false, waits: false, detail: 'unknown_type: order.vanished' },
  });
});

interface Shape extends JsonSchema {
  type: string;
  properties?: Record<string, Shape>;
  items?: Shape;
}

/** A JSON Schema in the words of Protobuf. */
function inProtobuf({ type, properties, items }: Shape): object | string {
  if (properties) return Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, inProtobuf(of)]));
  if (items) return { repeated: inProtobuf(items) };
  return type === 'integer' ? 'int64' : type;
}

function asWritten(type: NonNullable<ReturnType<typeof protobufType>>): object {
  return Object.fromEntries(
    type.fieldsArray.map((field) => {
      const { resolvedType, type: name, repeated } = field.resolve();
      const one = resolvedType ? asWritten(resolvedType as typeof type) : name;
      if (!repeated) expect(field.options).toMatchObject({ proto3_optional: true });
      return [field.name, repeated ? { repeated: one } : one];
    }),
  );
}

test.each(topics)('events.proto has of %s what its schema has', (topic) => {
  const { version } = events[topic];
  const schema = eventSchemas().get(`${topic}.${version}.json`) as Shape;
  expect(asWritten(protobufType(dataschema(topic))!)).toEqual(inProtobuf(schema));
});
