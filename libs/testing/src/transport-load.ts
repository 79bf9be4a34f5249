import { randomUUID } from 'node:crypto';
import type { Message, Settlement, Subscribe, Transport } from '@order-events/messaging';
import { eventually } from './eventually';

/** A message of the topic `things` that carries its number; each thirteenth has the same key. */
export const numbered = (n: number, body: Uint8Array = Buffer.from(String(n))): Message => ({
  topic: 'things',
  key: `key-${n % 13}`,
  headers: { 'ce-id': randomUUID(), number: String(n) },
  body,
});

/** So many of them, from that number on. */
export const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => numbered(from + i));

/** A member of the group `g` that consumes `things`, unless it is said otherwise. */
export const member = (transport: Transport, handle: Subscribe['handle'], more: Partial<Subscribe> = {}) =>
  transport.subscribe({
    ...{ group: 'g', topics: ['things'], batch: 20, waitMs: 2, inFlight: 40, parallel: 2 },
    handle,
    ...more,
  });

/** Publishes as the relay does: until each message has been proved to be stored, the same one each time. */
export async function sendAll(transport: Transport, from: number, count: number): Promise<void> {
  let open = range(from, count);
  await eventually(async () => {
    const batch = open.slice(0, 20);
    const settlements: Settlement[] = batch.length > 0 ? await transport.publish(batch) : [];
    open = [...batch.filter((_, index) => !settlements[index]!.stored), ...open.slice(20)];
    return open.length === 0;
  });
}

/** Publishes until one arrives that was published now. */
export async function untilFollowed(transport: Transport, seen: Seen): Promise<void> {
  const start = seen.distinct;
  for (let n = start; seen.distinct === start; n++) await sendAll(transport, 1000 + n, 1);
}

/** What was handled, counted. */
export class Seen {
  readonly numbers = new Set<number>();
  /** With what came again. */
  total = 0;

  get distinct(): number {
    return this.numbers.size;
  }

  readonly handle = (batch: readonly Message[]): Promise<void> => {
    for (const { headers } of batch) this.numbers.add(Number(headers['number']));
    this.total += batch.length;
    return Promise.resolve();
  };

  /** Of the numbers below `count`, those that were not handled. */
  lost(count: number): number[] {
    return Array.from({ length: count }, (_, n) => n).filter((n) => !this.numbers.has(n));
  }

  /** Numbers that nobody has sent. */
  unknown(count: number): number[] {
    return [...this.numbers].filter((n) => !(n >= 0 && n < count));
  }
}
