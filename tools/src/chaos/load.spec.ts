import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { client, emptyLedger } from './load';

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const reply = (response: ServerResponse, status: number, body: object) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

test('an order is asked for with one key until the answer is definite', async () => {
  const keys: unknown[] = [];
  const over = new AbortController();
  answer = (request, response) => {
    keys.push(request.headers['idempotency-key']);
    if (keys.length === 1) return request.socket.destroy();
    if (keys.length === 2) return reply(response, 503, { title: 'busy' });
    over.abort();
    return reply(response, 201, { order_id: 'o1' });
  };
  const ledger = emptyLedger();
  await client([url], ledger, over.signal);
  expect([...ledger.accepted]).toEqual(['o1']);
  expect(ledger.retried).toBe(2);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
});

test('another order for the same key, and answers that make no sense, are noted', async () => {
  let orders = 0;
  const over = new AbortController();
  const ledger = emptyLedger();
  answer = (_request, response) => {
    orders += 1;
    if (ledger.repeated > 0 && orders > 5) over.abort();
    return orders === 1 ? reply(response, 400, { title: 'no' }) : reply(response, 201, { order_id: `o${orders}` });
  };
  await client([url], ledger, over.signal);
  expect(ledger.surprises[0]).toMatch(/^POST \/orders was answered with 400/);
  expect(ledger.surprises.slice(1).every((text) => text.startsWith('one key made the orders'))).toBe(true);
  expect(ledger.surprises.length).toBe(1 + ledger.repeated);
});
