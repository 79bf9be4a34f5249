import { randomUUID } from 'node:crypto';
import type { System } from '../src/start';

export interface OrderView {
  order_id: string;
  status: string;
  cancel_reason?: string;
  history: { event: string; status: string }[];
}

export const items = (product_id: string, quantity = 1) => [{ product_id, quantity }];

export async function call<T>(
  method: string,
  url: string,
  body?: object,
  key: string = randomUUID(),
): Promise<{ status: number; body: T }> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as T };
}

/** Places orders with a system, and follows them. */
export class Customer {
  constructor(private readonly system: System) {}

  /** Asks again for as long as it is told to try later. @returns the order's id */
  async place(order: object): Promise<string> {
    const url = `${this.system.apiUrls[0]}/orders`;
    const key = randomUUID();
    for (;;) {
      const { status, body } = await call<{ order_id: string }>('POST', url, { user_id: 'user_1', ...order }, key);
      if (status === 201) return body.order_id;
      expect(status).toBe(503);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  placeMany(count: number, order: object): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.place(order)));
  }

  /** Resolves when the order is completed or cancelled. */
  async ended(id: string): Promise<OrderView> {
    for (;;) {
      const { body } = await call<OrderView>('GET', `${this.system.apiUrls[0]}/orders/${id}`);
      if (body.status === 'completed' || body.status === 'cancelled') return body;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async statusesOf(ids: readonly string[]): Promise<string[]> {
    return (await Promise.all(ids.map((id) => this.ended(id)))).map(({ status }) => status);
  }
}

/** Resolves when the process was started again after the signal, and all are ready. */
export async function killed(system: System, name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const before = system.pid(name);
  system.kill(name, signal);
  while (system.pid(name) === undefined || system.pid(name) === before)
    await new Promise((resolve) => setImmediate(resolve));
  await system.ready();
}
