import { OrderApi, problem } from '../../test/start-order-api';

let api: OrderApi;
beforeAll(async () => {
  api = await OrderApi.start();
});
afterAll(async () => {
  await api.close();
  expect(api.errors).toEqual([]);
});

test.each([
  ['GET', '/products/prod1', 'PUT'],
  ['POST', '/orders/o1', 'GET, HEAD'],
  ['DELETE', '/overdue', 'GET, HEAD'],
  ['GET', '/orders/o1/refund', 'POST'],
])('%s %s is not possible for the operator', async (method, path, allow) => {
  const response = await api.operator(path, { method });
  expect(response.headers.get('allow')).toBe(allow);
  await problem(response, 405);
});

test('no product can be put under an id that is none', async () => {
  await problem(await api.operator('/products/a%20b', { method: 'PUT' }), 404);
});
