import { randomUUID } from 'node:crypto';
import type { EffectEntry, InboxEntry, Message, OutboxEntry } from '@order-events/messaging';

export function message(key = 'k', body = '{}'): Message {
  return { topic: 'order.created', key, headers: { 'ce-id': 'x' }, body: Buffer.from(body) };
}

export function entry(key = 'k', body = '{}'): OutboxEntry {
  return { id: randomUUID(), ...message(key, body) };
}

export function effect(key: string, name: string): EffectEntry {
  return { kind: 'test.call', key, idempotencyKey: `${key}.${name}`, input: { name } };
}

export function applied(id: string): InboxEntry {
  return { id, topic: 'order.created', key: 'k', state: 'applied' };
}

export function retrying(id: string, delayMs: number): InboxEntry {
  const failure = { message: message(), error: 'Error: not now', attempts: 1, delayMs };
  return { id, topic: 'order.created', key: 'k', state: 'retrying', failure };
}
