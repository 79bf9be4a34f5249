import type { Message } from '@order-events/messaging';

const MARK = 'x-garbage';

/** A message that nobody can read, under the key of an order: a declared dead letter. */
export function garbage(key: string, number: number): Message {
  return { topic: 'order.created', key, headers: { [MARK]: 'yes' }, body: Buffer.from(`{ torn apart ${number}`) };
}

export function isGarbage({ headers }: Message): boolean {
  return headers[MARK] === 'yes';
}
