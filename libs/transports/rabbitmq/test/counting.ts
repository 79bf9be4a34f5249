import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, Settlement, Transport } from '@order-events/messaging';

export const numbered = (n: number, body: Uint8Array = Buffer.from(String(n))): Message => ({
  topic: 'things',
  key: `key-${n % 13}`,
  headers: { 'ce-id': randomUUID(), number: String(n) },
  body,
});

export const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => numbered(from + i));

/** As the relay does: until each has been proved to be stored, the same message each time. */
export async function sendAll(transport: Transport, from: number, count: number): Promise<void> {
  let open = range(from, count);
  while (open.length > 0) {
    const batch = open.slice(0, 20);
    const settlements: Settlement[] = await transport.publish(batch);
    // So does the relay; and after a test that failed it ends with the transport.
    if (settlements.some(({ stored }) => !stored)) await sleep(20);
    open = [...batch.filter((_, index) => !settlements[index]!.stored), ...open.slice(20)];
  }
}

/** What was handled, counted. */
export class Seen {
  readonly numbers = new Set<number>();
  total = 0;

  get distinct(): number {
    return this.numbers.size;
  }

  readonly handle = (batch: readonly Message[]): Promise<void> => {
    for (const { headers } of batch) this.numbers.add(Number(headers['number']));
    this.total += batch.length;
    return Promise.resolve();
  };

  lost(count: number): number[] {
    return Array.from({ length: count }, (_, n) => n).filter((n) => !this.numbers.has(n));
  }
}
