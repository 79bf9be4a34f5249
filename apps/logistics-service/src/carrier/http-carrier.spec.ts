import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, type RunningSandbox, startSandbox } from '../../../sandbox/test/start-sandbox';
import type { Carrier } from './carrier';
import { HttpCarrier } from './http-carrier';

/** Far longer than it takes, however slow the machine. */
const PATIENCE_MS = 600_000;
const newCall = (idempotencyKey: string = randomUUID()) => ({ idempotencyKey, signal: new AbortController().signal });
const parcel = (city?: string) => ({
  order_id: randomUUID(),
  items: [{ product_id: 'prod1', quantity: 2, unit_price: 1000 }],
  ...(city && { address: { street: 'Main 1', city } }),
});

describe('with the real sandbox', () => {
  let sandbox: RunningSandbox;
  let carrier: Carrier;
  beforeAll(async () => {
    sandbox = await startSandbox();
    carrier = new HttpCarrier({ url: `${sandbox.url}/carrier`, timeoutMs: PATIENCE_MS });
  });
  afterAll(() => sandbox.close());

  test('a parcel is dispatched, once for all repeats, and its prices are nobody’s business', async () => {
    const [sent, call] = [parcel('Köln'), newCall()];
    const answer = await carrier.dispatch(sent, call);
    expect(answer).toEqual({
      outcome: 'dispatched',
      carrier: 'Sandbox Express',
      tracking_number: expect.stringMatching(/^SBX/),
    });
    expect(await carrier.dispatch(sent, call)).toEqual(answer);
    const { shipments } = await json(await fetch(`${sandbox.url}/ledger?order_id=${sent.order_id}`));
    expect(shipments).toMatchObject([{ address: sent.address, items: [{ product_id: 'prod1', quantity: 2 }] }]);
    expect(shipments[0].items[0]).not.toHaveProperty('unit_price');
  });

  test('a parcel without an address is dispatched', async () => {
    expect(await carrier.dispatch(parcel(), newCall())).toMatchObject({ outcome: 'dispatched' });
  });

  test('an address that cannot be reached is a refusal', async () => {
    expect(await carrier.dispatch(parcel('Undeliverable'), newCall())).toEqual({
      outcome: 'refused',
      reason: 'undeliverable_address',
    });
  });

  test('what is recalled is refused from then on', async () => {
    const kept = parcel();
    const refusal = { outcome: 'refused', reason: 'recalled' };
    expect(await carrier.recall(kept, newCall())).toEqual(refusal);
    expect(await carrier.dispatch(kept, newCall())).toEqual(refusal);
  });

  test('a recall of what has left is answered as the parcel was', async () => {
    const gone = parcel();
    const answer = await carrier.dispatch(gone, newCall());
    expect(await carrier.recall(gone, newCall())).toEqual(answer);
  });

  test('a key that was used for another parcel is no refusal of this one', async () => {
    await carrier.dispatch(parcel(), newCall('reused'));
    await expect(carrier.dispatch(parcel(), newCall('reused'))).rejects.toThrow('answered 422');
  });
});

describe('with a carrier that is broken', () => {
  let server: Server;
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  async function broken(listener: RequestListener, timeoutMs = PATIENCE_MS): Promise<Carrier> {
    server = createServer(listener);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new HttpCarrier({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs });
  }

  test.each([
    [500, '{"reason":"undeliverable_address"}'],
    [409, '{"reason":"undeliverable_address"}'],
    [402, '{"reason":"undeliverable_address"}'],
    [422, '{"detail":"This key was used for another request."}'],
    [422, 'no'],
    [201, '{"carrier":"Sandbox Express"}'],
    [201, ''],
  ])('a %d with %j leaves the outcome open', async (status, body) => {
    const carrier = await broken((_request, response) => response.writeHead(status).end(body));
    await expect(carrier.dispatch(parcel(), newCall())).rejects.toThrow(`answered ${status}`);
  });

  test.each([
    [404, '{"outcome":"recalled"}'],
    [422, '{"reason":"recalled"}'],
    [201, '{"outcome":"lost"}'],
    [201, '{"outcome":"dispatched"}'],
    [201, ''],
  ])('a %d with %j leaves open where the parcel is', async (status, body) => {
    const carrier = await broken((_request, response) => response.writeHead(status).end(body));
    await expect(carrier.recall(parcel(), newCall())).rejects.toThrow(`answered ${status}`);
  });

  test('silence ends with the time-out', async () => {
    const carrier = await broken(() => undefined, 50);
    await expect(carrier.dispatch(parcel(), newCall())).rejects.toThrow('no answer within 50 ms');
  });

  test('a connection that is cut leaves the outcome open', async () => {
    const carrier = await broken((request) => request.socket.destroy());
    await expect(carrier.dispatch(parcel(), newCall())).rejects.toThrow('fetch failed: ');
  });

  test('a call can be given up', async () => {
    const giveUp = new AbortController();
    const carrier = await broken(() => giveUp.abort());
    const call = carrier.dispatch(parcel(), { idempotencyKey: 'k', signal: giveUp.signal });
    await expect(call).rejects.toThrow(/aborted/);
  });
});
