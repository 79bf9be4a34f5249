import { requests } from '@order-events/contracts';
import { questionMessage, readQuestion } from '../audit/messages';
import type { Message } from '../ports/transport';
import { readRequest, requestMessage } from '../rpc/messages';
import { systemRuntime } from '../runtime';
import { asDelivered, KEPT_BYTES, MAX_BODY_BYTES } from './over-long';

const headers = {};
const rest = Buffer.alloc(MAX_BODY_BYTES, '.');

describe('of an over-long body', () => {
  test.each(
    ['é', '€', '😀'].flatMap((character) => [...Buffer.from(character).keys()].map((at) => [character, at] as const)),
  )('%s that begins %i bytes before the border is kept whole or not at all', (character, at) => {
    const before = Buffer.alloc(KEPT_BYTES - at, 'x');
    const { body } = asDelivered({ headers, body: Buffer.concat([before, Buffer.from(character), rest]) });
    expect(Buffer.from(body).equals(before)).toBe(true);
  });

  test('a character that ends at the border is kept', () => {
    const before = Buffer.from('x'.repeat(KEPT_BYTES - 4) + '😀');
    const { body } = asDelivered({ headers, body: Buffer.concat([before, rest]) });
    expect(Buffer.from(body).equals(before)).toBe(true);
  });

  test('as much is kept of what is no text', () => {
    const { body } = asDelivered({ headers, body: Buffer.alloc(MAX_BODY_BYTES + 1, 0x80) });
    expect(body.byteLength).toBe(KEPT_BYTES);
  });
});

describe('what says of itself that it was cut, and was not, is read', () => {
  const says = (message: Message) => ({ ...message, headers: { ...message.headers, 'oe-cut-from': '5000000' } });
  const id = systemRuntime.eventId();

  test('as a question', () => {
    const question = { question: id, publisher: 'inventory', group: 'order-api', topics: ['t'], ids: [id] };
    expect(readQuestion(says(questionMessage(question, id)))).toEqual(question);
  });

  test('as a request', () => {
    const exchange = { id, name: 'inventory.availability', caller: 'order-api', process: 'p' };
    const request = says(requestMessage(exchange, requests, 1_000, { product_id: 'prod1' }));
    expect(readRequest(request)).toMatchObject({ ok: true, exchange, data: { product_id: 'prod1' } });
  });
});
