import { decode as decodeEvent, encode as encodeEvent, withAttribute, type Message } from '@order-events/messaging';
import { decode, encode, MAX_MESSAGE_BYTES, nsqName } from './wire';

const headers = {
  'ce-specversion': '1.0',
  'ce-id': '018f0000-0000-7000-8000-000000000001',
  'ce-source': '/order-api',
  'ce-type': 'order.created',
  'ce-subject': 'o-1',
  'ce-partitionkey': 'o-1',
  'content-type': 'application/json',
};
const message = (more: Partial<Message> = {}): Message => ({
  topic: 'order.created',
  key: 'o-1',
  headers,
  body: Buffer.from('{"order_id":"o-1","total":10}'),
  ...more,
});
const asJson = (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown;

test('an event is a CloudEvent in structured mode, with nothing in it that is ours alone', () => {
  expect(asJson(encode(message()))).toEqual({
    specversion: '1.0',
    id: '018f0000-0000-7000-8000-000000000001',
    source: '/order-api',
    type: 'order.created',
    subject: 'o-1',
    partitionkey: 'o-1',
    datacontenttype: 'application/json',
    data: { order_id: 'o-1', total: 10 },
  });
});

test.each<[string, Partial<Message>]>([
  ['an event', {}],
  ['another key', { key: 'ü 💶' }],
  ['no key', { key: '' }],
  ['headers that are no attributes', { headers: { ...headers, 'content-encoding': 'gzip', 'ce-data': 'x' } }],
  ['no event at all', { headers: {} }],
  ['odd names', { headers: { ...headers, 'ce-__proto__': 'x', __proto: 'y', 'ce-': 'z' } }],
  ['no content type', { headers: { 'ce-specversion': '1.0' } }],
  ['text', { headers: { ...headers, 'content-type': 'text/plain' }, body: Buffer.from('"text"') }],
  ['an empty body', { body: Buffer.alloc(0) }],
  ['bytes', { body: Buffer.from([0, 255, 254, 34]) }],
  ['a view of bytes', { body: new Uint8Array(Buffer.from('[1,2]')).subarray(1, 2) }],
  ['JSON with blanks', { body: Buffer.from('{ "a": 1 }') }],
  ['JSON that a parser orders otherwise', { body: Buffer.from('{"b":1,"1":2}') }],
  ['JSON with numbers that a parser rounds', { body: Buffer.from('{"a":12345678901234567890,"b":1.0}') }],
  ['JSON that says a name twice', { body: Buffer.from('{"a":1,"a":2}') }],
  ['JSON with a byte order mark', { body: Buffer.from('\ufeff{"a":1}') }],
  ['JSON that is no object', { body: Buffer.from('null') }],
])('%s comes out as it went in, to the byte', (_, more) => {
  const original = message(more);
  const { body, ...rest } = decode(original.topic, encode(original));
  expect({ ...rest, body: Buffer.from(body) }).toEqual({ ...original, body: Buffer.from(original.body) });
});

test('an event of ours goes over the wire and into the pipeline', () => {
  const data = { order_id: 'o-1', reason: 'customer', refund: false };
  const event = { type: 'order.cancelled' as const, subject: 'o-1', sequence: 3, data } as never;
  const entry = encodeEvent(event, headers['ce-id'], { source: '/order-api' });
  const published = withAttribute(entry, 'time', '2026-01-01T00:00:00.000Z');
  expect(decodeEvent(decode(entry.topic, encode(published)))).toEqual(decodeEvent(published));
});

test('an event in structured mode of somebody else is read as one', () => {
  const theirs = { specversion: '1.0', id: 'x', sequence: 7, odd: { a: 1 }, subject: 'o-1', data: { a: 1 } };
  expect(decode('t', Buffer.from(JSON.stringify(theirs)))).toEqual({
    topic: 't',
    key: '',
    headers: { 'ce-specversion': '1.0', 'ce-id': 'x', 'ce-sequence': '7', 'ce-subject': 'o-1' },
    body: Buffer.from('{"a":1}'),
  });
});

test.each([
  '',
  'garbage',
  '\u0000',
  'null',
  '[]',
  '7',
  '"specversion"',
  '{}',
  '{"order_id":"o-1"}',
  '{"specversion":1}',
  '{"specversion":"1.0","messageheaders":"no JSON"}',
  '{"specversion":"1.0","messageheaders":"null"}',
  '{"specversion":"1.0","messageheaders":"{\\"a\\":{}}"}',
  '{"specversion":"1.0","messagekey":{}}',
])('%j goes on as the bytes it is', (text) => {
  expect(decode('t', Buffer.from(text))).toEqual({ topic: 't', key: '', headers: {}, body: Buffer.from(text) });
});

test('names and sizes that NSQ does not take are refused, with the prefix counted', () => {
  expect(nsqName('p.', 'x'.repeat(62))).toHaveLength(64);
  for (const name of ['x'.repeat(63), '', 'a b', 'ü', 'a#ephemeral', 'a\n'])
    expect(() => nsqName(name === '' ? '' : 'p.', name)).toThrow('is not a name that NSQ takes');
  const empty = encode(message({ body: Buffer.from('""') })).byteLength;
  const fits = Buffer.from(JSON.stringify('x'.repeat(MAX_MESSAGE_BYTES - empty)));
  expect(encode(message({ body: fits }))).toHaveLength(MAX_MESSAGE_BYTES);
  expect(() => encode(message({ body: Buffer.concat([fits, Buffer.from(' ')]) }))).toThrow('NSQ takes');
});
