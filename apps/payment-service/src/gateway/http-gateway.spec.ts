import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningSandbox, startSandbox } from '../../../sandbox/test/start-sandbox';
import type { Gateway } from './gateway';
import { HttpGateway } from './http-gateway';

const newCall = (idempotencyKey: string = randomUUID()) => ({ idempotencyKey, signal: new AbortController().signal });
/** Far longer than it takes, however slow the machine. */
const PATIENCE_MS = 600_000;
const money = (amount = 2000) => ({ order_id: randomUUID(), amount, currency: 'EUR' });
const order = (token: string) => ({ ...money(), token });

describe('with the real sandbox', () => {
  let sandbox: RunningSandbox;
  let gateway: Gateway;
  beforeAll(async () => {
    sandbox = await startSandbox();
    gateway = new HttpGateway({ url: `${sandbox.url}/gateway/`, timeoutMs: PATIENCE_MS });
  });
  afterAll(() => sandbox.close());

  async function authorized(token = 'tok_ok'): Promise<{ order_id: string; authorization_id: string }> {
    const input = order(token);
    const answer = await gateway.authorize(input, newCall());
    if (answer.outcome !== 'authorized') throw new Error(`Not authorised: ${answer.reason}`);
    return { order_id: input.order_id, authorization_id: answer.authorization_id };
  }

  test('an amount is authorised, captured and refunded', async () => {
    const { order_id, authorization_id } = await authorized();
    const captured = await gateway.capture({ ...money(), authorization_id }, newCall());
    expect(captured).toEqual({ outcome: 'captured', capture_id: expect.stringMatching(/^cap_/) });
    const refunded = { outcome: 'refunded', refund_id: expect.stringMatching(/^ref_/) as string };
    expect(await gateway.reverse({ order_id }, newCall())).toEqual(refunded);
  });

  test('an authorisation is voided, and then cannot be captured', async () => {
    const { order_id, authorization_id } = await authorized();
    expect(await gateway.reverse({ order_id }, newCall())).toEqual({ outcome: 'voided' });
    const failed = { outcome: 'failed', reason: 'authorization_voided' };
    expect(await gateway.capture({ ...money(1), authorization_id }, newCall())).toEqual(failed);
  });

  test('of an order without money nothing is reversed, and of one with money that is no answer', async () => {
    const order_id = randomUUID();
    expect(await gateway.reverse({ order_id }, newCall())).toEqual({ outcome: 'nothing' });
    const known = gateway.reverse({ order_id, authorization_id: 'auth_1' }, newCall());
    await expect(known).rejects.toThrow('knows nothing of the order, and has authorised it as auth_1');
  });

  test('a repeat with the same key gets the same answer', async () => {
    const [input, key] = [order('tok_ok'), newCall('repeated')];
    expect(await gateway.authorize(input, key)).toEqual(await gateway.authorize(input, key));
  });

  test('refusals are answers', async () => {
    const declined = await gateway.authorize(order('tok_declined'), newCall());
    expect(declined).toEqual({ outcome: 'declined', reason: 'card_declined' });
    const { authorization_id } = await authorized('tok_capture_fails');
    const failed = await gateway.capture({ ...money(), authorization_id }, newCall());
    expect(failed).toEqual({ outcome: 'failed', reason: 'capture_failed' });
  });

  test('a lost answer is no answer, until the call is repeated', async () => {
    const [input, key] = [order('tok_timeout_but_charged'), newCall('lost')];
    await expect(gateway.authorize(input, key)).rejects.toThrow(/authorizations: fetch failed/);
    expect(await gateway.authorize(input, key)).toMatchObject({ outcome: 'authorized' });
  });

  test('what the gateway calls senseless, or does not know, is no answer', async () => {
    const { authorization_id } = await authorized();
    const much = { ...money(2001), authorization_id };
    await expect(gateway.capture(much, newCall())).rejects.toThrow(/answered 409.*more than/);
    const unknown = { ...money(), authorization_id: '../x?' };
    await expect(gateway.capture(unknown, newCall())).rejects.toThrow('answered 404');
    await gateway.authorize(order('tok_ok'), newCall('reused'));
    await expect(gateway.authorize(order('tok_ok'), newCall('reused'))).rejects.toThrow('answered 422');
  });
});

describe('with a gateway that is broken', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
  });

  async function broken(listener: RequestListener, timeoutMs = PATIENCE_MS): Promise<Gateway> {
    const server = createServer(listener);
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new HttpGateway({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs });
  }

  /** Calls every method of the gateway, and expects each to reject with this message. */
  async function expectAllUnclear(gateway: Gateway, message: string | RegExp): Promise<void> {
    await Promise.all([
      expect(gateway.authorize(order('tok_ok'), newCall())).rejects.toThrow(message),
      expect(gateway.capture({ ...money(), authorization_id: 'a' }, newCall())).rejects.toThrow(message),
      expect(gateway.reverse({ order_id: 'o' }, newCall())).rejects.toThrow(message),
    ]);
  }

  test.each([
    [500, '{"reason":"card_declined"}'],
    [503, ''],
    [409, '{"reason":"card_declined"}'],
    [422, '{"reason":"card_declined"}'],
    [404, '{}'],
    [429, '{}'],
    [402, '<html>Pay first</html>'],
    [402, '{"reason":7}'],
  ])('a %d with %j leaves the outcome of every call open', async (status, body) => {
    const gateway = await broken((_request, response) => response.writeHead(status).end(body));
    await expectAllUnclear(gateway, `answered ${status}`);
  });

  test('says no more than an event can carry', async () => {
    const long = (key: string) => JSON.stringify({ [key]: 'a'.repeat(999) + '😀'.repeat(10_000) });
    const talkative = await broken((_request, response) => response.writeHead(402).end(long('reason')));
    const reason = `${'a'.repeat(999)}\ufffd`;
    expect(await talkative.authorize(order('tok_ok'), newCall())).toEqual({ outcome: 'declined', reason });
    const endless = await broken((_request, response) => response.writeHead(201).end(long('authorization_id')));
    await expect(endless.authorize(order('tok_ok'), newCall())).rejects.toThrow('answered 201 with an unknown body');
  });

  test('an authorisation that the gateway cannot even read is declined, and nothing else is ended by that', async () => {
    const gateway = await broken((_request, response) => response.writeHead(400).end('{}'));
    expect(await gateway.authorize(order('tok_ok'), newCall())).toEqual({
      outcome: 'declined',
      reason: 'invalid_request',
    });
    await expect(gateway.capture({ ...money(), authorization_id: 'a' }, newCall())).rejects.toThrow('answered 400');
  });

  test.each(['', 'null', '{}', '{"authorization_id":null,"capture_id":1}', '<html>', '{"authorization_id":"a'])(
    'a 201 with %j is not understood as done',
    async (body) => {
      const gateway = await broken((_request, response) => response.writeHead(201).end(body));
      const unknown = 'with an unknown body';
      await expect(gateway.authorize(order('tok_ok'), newCall())).rejects.toThrow(unknown);
      await expect(gateway.capture({ ...money(), authorization_id: 'a' }, newCall())).rejects.toThrow(unknown);
      await expect(gateway.reverse({ order_id: 'o' }, newCall())).rejects.toThrow(unknown);
    },
  );

  test('silence, also in the middle of an answer, ends with the time-out', async () => {
    const silent = await broken(() => undefined, 50);
    await expectAllUnclear(silent, 'no answer within 50 ms');
    const halfway = await broken((_request, response) => response.writeHead(201).write('{"authorization_id":'), 50);
    await expectAllUnclear(halfway, 'no answer within 50 ms');
  });

  test('a connection that is cut, and nobody listening, leave the outcome open', async () => {
    const cut = await broken((request) => request.socket.destroy());
    await expectAllUnclear(cut, 'fetch failed: ');
    const halfway = await broken((request, response) => {
      response.writeHead(201, { 'content-length': 100 }).write('{');
      setImmediate(() => request.socket.destroy());
    });
    await expectAllUnclear(halfway, /^POST http/);
    const server = servers.at(-1);
    await new Promise((closed) => server?.close(closed));
    await expectAllUnclear(halfway, 'ECONNREFUSED');
  });

  test('a redirection is not followed', async () => {
    const gateway = await broken((request, response) =>
      request.url === '/elsewhere'
        ? response.writeHead(201).end('{"authorization_id":"a","capture_id":"c","refund_id":"r"}')
        : response.writeHead(307, { location: '/elsewhere' }).end(),
    );
    await expectAllUnclear(gateway, /redirect/);
  });

  test('a call can be given up', async () => {
    const giveUp = new AbortController();
    const gateway = await broken(() => giveUp.abort());
    const call = gateway.authorize(order('tok_ok'), { idempotencyKey: 'k', signal: giveUp.signal });
    await expect(call).rejects.toThrow(/aborted/);
  });
});
