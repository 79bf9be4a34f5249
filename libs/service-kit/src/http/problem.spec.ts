import express from 'express';
import { pino } from 'pino';
import { z } from 'zod';
import { StoreError } from '@order-events/messaging';
import { jsonBody } from './json-body';
import { listen, type Listening } from './listen';
import { notFound, onlyMethods, Problem, problemHandler } from './problem';

let server: Listening;
beforeAll(async () => {
  const app = express();
  app.use(...jsonBody('1kb'));
  app.post('/things', (request, response) => {
    response.json(z.strictObject({ list: z.array(z.object({ 'a/b': z.int() })) }).parse(request.body));
  });
  app.all('/things', onlyMethods('POST'));
  app.get('/refused', () => {
    throw new Problem(409, { kind: 'too-late', detail: 'It is too late.', headers: { 'retry-after': '7' } });
  });
  app.get('/store/:kind', ({ params: { kind } }) => {
    throw new StoreError(kind as StoreError['kind'], 'host db.internal');
  });
  app.get('/broken', () => {
    throw new Error('password=hunter2');
  });
  app.use(notFound, problemHandler(pino({ level: 'silent' })));
  server = await listen(app, '127.0.0.1', 0, 'PORT');
});
afterAll(() => server.close(0));

const call = async (path: string, init?: RequestInit) => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ status: response.status, type: expect.stringMatching(/^urn:order-events:problem:/) });
  return { status: response.status, headers: response.headers, body };
};
const post = (body: string, type = 'application/json') =>
  call('/things', { method: 'POST', body, headers: { 'content-type': type } });

test('a problem is sent as it is', async () => {
  const { status, headers, body } = await call('/refused');
  expect(status).toBe(409);
  expect(headers.get('retry-after')).toBe('7');
  expect(body).toEqual({
    type: 'urn:order-events:problem:too-late',
    title: 'Conflict',
    status: 409,
    detail: 'It is too late.',
  });
});

test('a schema violation names each place', async () => {
  const { status, body } = await post('{"list":[{"a/b":1},{"a/b":"x"}],"more":1}');
  expect(status).toBe(400);
  expect(body['errors']).toEqual([
    { pointer: '/list/1/a~1b', detail: expect.stringContaining('number') },
    { pointer: '', detail: expect.stringContaining('more') },
  ]);
});

test.each([
  ['{"list":', 400],
  [`{"list":"${'x'.repeat(2000)}"}`, 413],
])('a body that cannot be read: %#', async (text, status) => {
  expect((await post(text)).status).toBe(status);
});

test('a body that is not JSON is refused, and one that is not there is for the schema to refuse', async () => {
  expect((await post('{"list":[]}', 'text/plain')).status).toBe(415);
  expect((await call('/things', { method: 'POST' })).status).toBe(400);
});

test('an unknown path is 404, a known one with another method 405', async () => {
  expect((await call('/nothing')).status).toBe(404);
  const { status, headers } = await call('/things', { method: 'PUT' });
  expect([status, headers.get('allow')]).toEqual([405, 'POST']);
});

test('what went wrong inside is not shown', async () => {
  const { status, body } = await call('/broken');
  expect(status).toBe(500);
  expect(JSON.stringify(body)).not.toContain('hunter2');
});

test.each([
  ['unavailable', 503, '1', 'it is not known whether'],
  ['contended', 503, '1', 'Nothing was changed'],
  ['rejected', 500, null, 'Something went wrong'],
])('when the database is %s, the answer is %d', async (kind, expected, retryAfter, detail) => {
  const { status, headers, body } = await call(`/store/${kind}`);
  expect([status, headers.get('retry-after')]).toEqual([expected, retryAfter]);
  expect(body['detail']).toContain(detail);
  expect(JSON.stringify(body)).not.toContain('db.internal');
});
