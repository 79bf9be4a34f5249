import { RequestError, type NoReplyReason } from '@order-events/messaging';
import { OrderApi } from './start-order-api';

let api: OrderApi;
beforeAll(async () => {
  api = await OrderApi.start();
});
afterAll(() => api.close());

const ask = async (path: string, init?: RequestInit) => {
  const response = await api.fetch(path, init);
  const header = (name: string) => response.headers.get(name) ?? undefined;
  return {
    status: response.status,
    cache: header('cache-control'),
    retryAfter: header('retry-after'),
    type: header('content-type'),
    body: await response.json(),
  };
};

test('what inventory says is told, and kept by nobody', async () => {
  const said = { product_id: 'prod1', in_stock: true, available: 3, or_more: false };
  const asked: unknown[] = [];
  api.availabilityOf = async (...question) => {
    asked.push(question);
    return said;
  };
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const response = await ask('/products/prod1/availability', { headers: { traceparent } });
  expect(response).toMatchObject({ status: 200, cache: 'no-store', body: said });
  expect(asked).toEqual([['prod1', traceparent]]);
});

test.each(['nothing', 'a%20b'])('inventory is not asked for "%s", which is not in the catalogue', async (id) => {
  api.availabilityOf = () => Promise.reject(new Error('asked'));
  expect(await ask(`/products/${id}/availability`)).toMatchObject({
    status: 404,
    body: { type: 'urn:order-events:problem:unknown-product' },
  });
});

test.each<[NoReplyReason, string]>([
  ['no_responder', 'no-responder'],
  ['timeout', 'no-reply'],
  ['not_sent', 'not-asked'],
  ['too_many', 'too-many-requests-open'],
  ['refused', 'reply-refused'],
  ['unreadable', 'reply-unreadable'],
])('without a reply (%s) the caller may try again: %s', async (reason, kind) => {
  api.availabilityOf = () => Promise.reject(new RequestError(reason, 'a reason of our own'));
  const response = await ask('/products/prod1/availability');
  expect(response).toMatchObject({
    status: 503,
    cache: 'no-store',
    retryAfter: '1',
    type: 'application/problem+json; charset=utf-8',
    body: { type: `urn:order-events:problem:${kind}`, status: 503 },
  });
  expect(JSON.stringify(response.body)).not.toContain('of our own');
});

test('it can only be read', async () => {
  expect(await ask('/products/prod1/availability', { method: 'POST' })).toMatchObject({ status: 405 });
});
