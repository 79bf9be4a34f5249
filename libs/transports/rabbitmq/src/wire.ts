import type { Message } from '@order-events/messaging';
import type { ConsumeMessage, Options } from 'amqplib';

/** AMQP knows no key of a message. */
const KEY = 'order-events-key';
const OURS = 'ce-';
/** CloudEvents over AMQP has the colon; the underscore is for clients that cannot write it. */
const THEIRS = /^cloudEvents[:_]/;
/** What the broker writes into a message itself, or takes for an order: CC sends a copy to somebody else. */
const RESERVED = /^(B?CC|x-(death|delivery-count|acquired-count|(first|last)-death-.*))$/;

/** Of a body, the limit of RabbitMQ 4 when nobody sets another. */
export const MAX_BYTES = 16 * 1024 * 1024;

/** No RabbitMQ would take the message as it is. */
export class UnfitMessage extends Error {
  override name = 'UnfitMessage';
}

/** @throws UnfitMessage */
export function properties(message: Message): Options.Publish {
  if (message.body.byteLength > MAX_BYTES)
    throw new UnfitMessage(`the message has ${message.body.byteLength} bytes, at most ${MAX_BYTES} are taken`);
  const { 'content-type': contentType, 'content-encoding': contentEncoding, ...rest } = message.headers;
  const headers = Object.entries(rest).map(([name, value]) => {
    if (RESERVED.test(name)) throw new UnfitMessage(`the header ${name} is the broker's own`);
    return [name.startsWith(OURS) ? `cloudEvents:${name.slice(OURS.length)}` : name, value] as const;
  });
  // Readers take it from there.
  const key = message.key === (message.headers['ce-partitionkey'] ?? '') ? [] : [[KEY, message.key] as const];
  const all = Object.fromEntries([...key, ...headers]);
  return { contentType, contentEncoding, headers: all, persistent: true, mandatory: true };
}

/** Reads what anybody may have sent. */
export function read(delivery: ConsumeMessage, topic: string): Message {
  const { headers: table = {}, ...rest } = delivery.properties;
  const [contentType, contentEncoding] = [rest.contentType, rest.contentEncoding] as (string | undefined)[];
  const headers: Record<string, string> = {};
  if (contentType) headers['content-type'] = contentType;
  if (contentEncoding) headers['content-encoding'] = contentEncoding;
  for (const [name, value] of Object.entries(table)) {
    if (!RESERVED.test(name) && name !== KEY) headers[name.replace(THEIRS, OURS)] = text(value);
  }
  const key = KEY in table ? text(table[KEY]) : (headers['ce-partitionkey'] ?? '');
  return { topic, key, headers, body: delivery.content };
}

/** A table of AMQP holds numbers, bytes, times, lists and tables too. */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString();
  return JSON.stringify(value);
}
