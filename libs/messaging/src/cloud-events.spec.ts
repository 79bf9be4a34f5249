import fc from 'fast-check';
import {
  DeadLetterError,
  decode,
  encode,
  EventTooLargeError,
  MAX_BODY_BYTES,
  withAttribute,
  type Message,
  type NewEvent,
} from './index';
import { toStructured } from '../test/structured';

const ID = '01981f5e-7d3c-7a52-9c4b-0123456789ab';

function event(reason: string): NewEvent {
  return { type: 'payment.declined', subject: 'o1', sequence: 3, data: { order_id: 'o1', reason } };
}

const encoded = encode(event('no'), ID, { source: '/payment', causationid: 'c1' });

test('an event is a message in binary mode, with its attributes as headers', () => {
  expect(encoded).toEqual({
    id: ID,
    topic: 'payment.declined',
    key: 'o1',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': ID,
      'ce-source': '/payment',
      'ce-type': 'payment.declined',
      'ce-subject': 'o1',
      'ce-dataschema': 'urn:order-events:payment.declined:1',
      'ce-sequence': '3',
      'ce-partitionkey': 'o1',
      'ce-correlationid': 'o1',
      'ce-causationid': 'c1',
    },
    body: Buffer.from('{"order_id":"o1","reason":"no"}'),
  });
});

test('an event for later has the id of then, so that nobody takes it for an old one', () => {
  const id = '01981f6c-38dc-7a52-9c4b-0123456789ab';
  const later = encode({ ...event('no'), delayMs: 900_000 }, ID, { source: '/payment', causationid: 'c1' });
  expect(later).toEqual({ ...encoded, id, headers: { ...encoded.headers, 'ce-id': id }, delayMs: 900_000 });
});

test('an event that is larger than any transport would take is refused, for good', () => {
  const bytes = (reason: string) => {
    const message = withAttribute(encode(event(reason), ID, { source: '/x' }), 'time', new Date().toISOString());
    const headers = Object.entries(message.headers).map(([name, value]) => name.length + value.length);
    return headers.reduce((sum, length) => sum + length, message.body.byteLength);
  };
  const limit = 2_000;
  const room = limit - bytes('');
  expect(bytes('x'.repeat(room))).toBe(limit);
  // Some bytes lie between a name and its value, in whatever way a broker writes headers.
  const fits = encode(event('x'.repeat(room - 20)), ID, { source: '/x', maxEventBytes: limit });
  expect(fits.topic).toBe('payment.declined');
  const tooLarge = () => encode(event('x'.repeat(room + 1)), ID, { source: '/x', maxEventBytes: limit });
  expect(tooLarge).toThrow(EventTooLargeError);
  expect(tooLarge).toThrow(DeadLetterError);
  // Whatever a transport takes: who consumes it would not read it.
  expect(() => encode(event('x'.repeat(MAX_BODY_BYTES)), ID, { source: '/x' })).toThrow(EventTooLargeError);
});

test('whatever stands in the data and the attributes comes out of both modes as it went in', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, (reason, source) => {
      const origin = { source: `/${source}`, traceparent: '00-1-2-01' };
      const binary = withAttribute(encode(event(reason), ID, origin), 'time', '2026-01-01T00:00:00.000Z');
      const structured = toStructured(binary);
      expect(structured).toMatchObject({ topic: 'payment.declined', key: 'o1' });
      expect(Object.keys(structured.headers)).toEqual(['content-type']);
      for (const message of [binary, structured]) {
        expect(decode(message)).toMatchObject({
          ok: true,
          event: {
            attributes: {
              ...{ id: ID, source: `/${source}`, subject: 'o1', sequence: '3', traceparent: '00-1-2-01' },
              ...{ type: 'payment.declined', time: '2026-01-01T00:00:00.000Z' },
            },
            data: { order_id: 'o1', reason },
          },
        });
      }
    }),
  );
});

test('a structured event is also told by having no attributes in its headers, and its attributes may be numbers', () => {
  const { specversion, ...attributes } = {
    ...{ specversion: '1.0', id: ID, source: '/x', type: 't', subject: 's', dataschema: 'd' },
    ...{ sequence: 7, flag: true, odd: null, nested: {} },
  };
  const body = Buffer.from(JSON.stringify({ specversion, ...attributes, data: [1] }));
  const decoded = decode({ topic: 't', key: 's', headers: {}, body });
  expect(decoded).toEqual({
    ok: true,
    event: {
      attributes: {
        ...{ specversion: '1.0', id: ID, source: '/x', type: 't', subject: 's', dataschema: 'd' },
        ...{ sequence: '7', flag: 'true' },
      },
      data: [1],
    },
  });
});

const structured = (body: string): Message => ({
  topic: 't',
  key: 'k',
  headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
  body: Buffer.from(body),
});
const without = (name: string): Message => {
  const headers: Record<string, string> = { ...encoded.headers };
  delete headers[name];
  return { ...encoded, headers };
};

test.each([
  ['no bytes', structured(''), 'not JSON'],
  ['half a JSON', structured('{"id":'), 'not JSON'],
  ['a list', structured('[]'), 'must be a JSON object'],
  ['null', structured('null'), 'must be a JSON object'],
  ['text', structured('"x"'), 'must be a JSON object'],
  ['an object', structured('{}'), 'lacks: id, source, type, subject, dataschema'],
  ['an id that is no UUID', withAttribute(encoded, 'id', '7'), 'not a UUID'],
  ['no subject', without('ce-subject'), 'lacks: subject'],
  ['an empty source', withAttribute(encoded, 'source', ''), 'lacks: source'],
  ['binary data that is not JSON', { ...encoded, body: Buffer.from([0xff, 0x00]) }, 'not JSON'],
])('%s is refused with the reason', (_, message, detail) => {
  expect(decode(message)).toEqual({ ok: false, detail: expect.stringContaining(detail) });
});

test('no bytes and no headers whatever make it throw', () => {
  const headers = fc.dictionary(
    fc.constantFrom('content-type', 'ce-id', 'ce-specversion', 'ce-type', 'x'),
    fc.string(),
  );
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json().map((json) => Buffer.from(json)),
  );
  fc.assert(
    fc.property(headers, body, (some, bytes) => {
      const decoded = decode({ topic: 't', key: 'k', headers: some, body: bytes });
      if (decoded.ok) expect(decoded.event.attributes['id']).toMatch(/^[0-9a-f-]{36}$/i);
      else expect(decoded.detail).not.toBe('');
    }),
  );
});
