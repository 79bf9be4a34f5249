import type { Message } from '../src/index';

const PREFIX = 'ce-';

/** An event in binary mode as one in structured mode, as other programs may send it. */
export function toStructured(message: Message): Message {
  const event: Record<string, unknown> = { datacontenttype: 'application/json' };
  for (const [header, value] of Object.entries(message.headers)) {
    if (header.startsWith(PREFIX)) event[header.slice(PREFIX.length)] = value;
  }
  event['data'] = JSON.parse(Buffer.from(message.body).toString()) as unknown;
  const headers = { 'content-type': 'application/cloudevents+json' };
  return { ...message, headers, body: Buffer.from(JSON.stringify(event)) };
}
