import type { IncomingMessage, ServerResponse } from 'node:http';
import { freePort } from '@order-events/testing';
import { listen, type Listening } from './listen';
import { postJson, unclear } from './post-json';

let server: Listening;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
beforeAll(async () => {
  const app = (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(request, response, body));
  };
  server = await listen(app, '127.0.0.1', 0, 'PORT');
});
afterAll(() => server.close(0));

const url = () => `http://127.0.0.1:${server.port}/calls`;
const posting = { idempotencyKey: 'o1.call', signal: new AbortController().signal, timeoutMs: 600_000 };

test('posts JSON under its key, and returns the answer whatever it says', async () => {
  let asked: unknown;
  answer = ({ method, headers }, response, body) => {
    asked = [method, headers['content-type'], headers['idempotency-key'], JSON.parse(body)];
    response.writeHead(402, { 'content-type': 'application/json' }).end('{"reason":"no money"}');
  };
  expect(await postJson(url(), { amount: 1 }, posting)).toEqual({
    url: url(),
    status: 402,
    text: '{"reason":"no money"}',
    body: { reason: 'no money' },
  });
  expect(asked).toEqual(['POST', 'application/json', 'o1.call', { amount: 1 }]);
});

test('an answer that is not JSON has no body', async () => {
  answer = (_, response) => response.writeHead(502).end('<html>');
  const given = await postJson(url(), {}, posting);
  expect(given).toMatchObject({ status: 502, text: '<html>', body: undefined });
  expect(unclear(given, 'answered 502').message).toBe(`POST ${url()}: answered 502: <html>`);
});

test('what an answer says can be stored, whatever it says', async () => {
  answer = (_, response) =>
    response
      .writeHead(402)
      .end('{"reason":"no\\u0000 \\\\u0000","list":["\\u0000"],"half":"\\ud800","pair":"\\ud83d\\ude00"}');
  const { body } = await postJson(url(), {}, posting);
  expect(body).toEqual({ reason: 'no\ufffd \\u0000', list: ['\ufffd'], half: '\ufffd', pair: '😀' });
  answer = (_, response) => response.writeHead(500).end('out of \0 order');
  expect((await postJson(url(), {}, posting)).text).toBe('out of \ufffd order');
});

test('no answer in time', async () => {
  answer = () => undefined;
  await expect(postJson(url(), {}, { ...posting, timeoutMs: 50 })).rejects.toThrow(
    `POST ${url()}: no answer within 50 ms`,
  );
});

test('an answer that begins and does not end in time is none', async () => {
  answer = (_, response) => response.writeHead(200).write('{');
  await expect(postJson(url(), {}, { ...posting, timeoutMs: 50 })).rejects.toThrow('no answer within 50 ms');
});

test('an answer that does not come to an end is none, and is not kept until the memory is full', async () => {
  let left = 1_000;
  answer = (_, response) => {
    const goOn = () => {
      if (left-- > 0) response.write(Buffer.alloc(64_000, ' '));
      else response.end();
    };
    response.writeHead(200).on('drain', goOn);
    goOn();
  };
  await expect(postJson(url(), {}, posting)).rejects.toThrow(`POST ${url()}: its answer is longer than`);
  expect(left).toBeGreaterThan(500);
});

test('told to stop waiting', async () => {
  const stop = new AbortController();
  answer = () => stop.abort();
  await expect(postJson(url(), {}, { ...posting, signal: stop.signal })).rejects.toThrow(/aborted/);
});

test('a connection that breaks, and one that cannot be made, name the reason', async () => {
  answer = (request) => request.socket.destroy();
  await expect(postJson(url(), {}, posting)).rejects.toThrow(`POST ${url()}: fetch failed: `);
  const nobody = `http://127.0.0.1:${await freePort()}/`;
  await expect(postJson(nobody, {}, posting)).rejects.toThrow(/fetch failed: .*ECONNREFUSED/);
});

test('is not sent on to another place', async () => {
  answer = (_, response) => response.writeHead(307, { location: '/elsewhere' }).end();
  await expect(postJson(url(), {}, posting)).rejects.toThrow('fetch failed: ');
});

test('close lets a running request end, and cuts one that does not', async () => {
  const begun: ServerResponse[] = [];
  const hanging = await listen((_, response) => void begun.push(response), '127.0.0.1', 0, 'PORT');
  const cut = postJson(`http://127.0.0.1:${hanging.port}/`, {}, posting).catch((error: Error) => error.message);
  while (begun.length === 0) await new Promise(setImmediate);
  await hanging.close(10);
  expect(await cut).toMatch(/fetch failed/);

  const ending = await listen((_, response) => void begun.push(response), '127.0.0.1', 0, 'PORT');
  const served = postJson(`http://127.0.0.1:${ending.port}/`, {}, posting);
  while (begun.length === 1) await new Promise(setImmediate);
  const closed = ending.close(600_000);
  begun[1]!.end('1');
  expect((await served).body).toBe(1);
  await closed;
});
