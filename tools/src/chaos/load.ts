import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the clients have seen. */
export interface Ledger {
  /** Ids of orders that were answered with 201. */
  accepted: Set<string>;
  /** Requests whose outcome stayed open (connection lost, time-out, 503), and which were sent again with the same key. */
  retried: number;
  /** Of those, the ones that were answered with 503. */
  unavailable: number;
  /** Answered requests that were sent once more on purpose. */
  repeated: number;
  cancels: number;
  /** Ids of orders whose cancel was answered with 200. */
  cancelled: Set<string>;
  /** What should never be: another order for the same key, or an answer that makes no sense. */
  surprises: string[];
}

export const emptyLedger = (): Ledger => ({
  accepted: new Set(),
  retried: 0,
  unavailable: 0,
  repeated: 0,
  cancels: 0,
  cancelled: new Set(),
  surprises: [],
});

/** The kinds of order that are placed, as often as they stand here. */
const orders = [
  ...Array<object>(6).fill({}),
  { payment_token: 'tok_declined' },
  { payment_token: 'tok_capture_fails' },
  { payment_token: 'tok_timeout_but_charged' },
  { shipping_address: { street: 'Nowhere 1', city: 'Undeliverable' } },
  { items: [{ product_id: 'prod-scarce', quantity: 1 }] },
];

/** One client that places orders until the signal is aborted, and then sees its last one through. */
export async function client(apiUrls: readonly string[], ledger: Ledger, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    const product_id = `prod${1 + Math.floor(Math.random() * 6)}`;
    const order = {
      user_id: `user_${n % 10}`,
      email: 'chaos@example.com',
      items: [{ product_id, quantity: 1 + (n % 3) }],
      ...pick(orders),
    };
    const key = randomUUID();
    const order_id = await place(apiUrls, order, key, ledger);
    if (order_id === undefined) continue;
    if (Math.random() < 0.1) {
      ledger.repeated += 1;
      const again = await place(apiUrls, order, key, ledger);
      if (again !== order_id) ledger.surprises.push(`one key made the orders ${order_id} and ${again}`);
    }
    if (Math.random() < 0.05) await cancel(apiUrls, order_id, ledger);
  }
}

/** Resolves with the id of the order; undefined when it was refused, which is noted as a surprise. */
async function place(apiUrls: readonly string[], order: object, key: string, ledger: Ledger) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const { status, body } = await untilDefinite(ledger, () => `${pick(apiUrls)}/orders`, {
    method: 'POST',
    headers,
    body: JSON.stringify(order),
  });
  const { order_id } = body as { order_id?: string };
  if (status === 201 && order_id) {
    ledger.accepted.add(order_id);
    return order_id;
  }
  ledger.surprises.push(`POST /orders was answered with ${status} ${JSON.stringify(body)}`);
  return undefined;
}

async function cancel(apiUrls: readonly string[], order_id: string, ledger: Ledger): Promise<void> {
  ledger.cancels += 1;
  const url = () => `${pick(apiUrls)}/orders/${order_id}/cancel`;
  const { status, body } = await untilDefinite(ledger, url, { method: 'POST' });
  if (status < 300) ledger.cancelled.add(order_id);
  // It may have been paid already.
  else if (status !== 409)
    ledger.surprises.push(`the cancel of ${order_id} was answered with ${status} ${JSON.stringify(body)}`);
}

/** Sends a request, to any replica, until it is answered with something else than "try again", which is 503 or 429. */
async function untilDefinite(ledger: Ledger, url: () => string, request: RequestInit) {
  for (;;) {
    try {
      const response = await fetch(url(), { ...request, signal: AbortSignal.timeout(10_000) });
      const text = await response.text();
      const { status } = response;
      if (status < 500 && status !== 429) return { status, body: parse(text) };
      if (status === 503) ledger.unavailable += 1;
      else if (status !== 429) ledger.surprises.push(`${url()} was answered with ${status} ${text}`);
    } catch {
      // The outcome is unknown, like that of a 5xx: the key makes it safe to ask again.
    }
    ledger.retried += 1;
    await sleep(100 + Math.random() * 200);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;
