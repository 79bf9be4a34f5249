import { randomUUID } from 'node:crypto';
import type { Message } from '@order-events/messaging';

export const message = (key: string, more: Partial<Message> = {}): Message => ({
  topic: 'things',
  key,
  headers: { 'ce-id': randomUUID() },
  body: Buffer.from('{}'),
  ...more,
});
