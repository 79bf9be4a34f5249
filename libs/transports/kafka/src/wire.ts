import type { Message } from '@order-events/messaging';
import type { IHeaders, KafkaMessage, Message as Outgoing } from 'kafkajs';

const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;
/** What a record and each of its headers cost besides their text, at most. */
const RECORD_BYTES = 64;
const HEADER_BYTES = 8;
/** Of what one request brings for one partition: Kafka's own default. */
export const MAX_BATCH_BYTES = 1_048_588;
/** The same without the frame. */
export const MAX_REQUEST_BYTES = MAX_BATCH_BYTES - 588;

/** What a message takes at most of a request. */
export function weight({ key, headers, body }: Message): number {
  const bytes = Object.entries(headers).map(
    ([name, value]) => HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value),
  );
  return bytes.reduce((sum, each) => sum + each, RECORD_BYTES + Buffer.byteLength(key) + body.byteLength);
}

/** Why no broker would ever take the message; undefined when one may. `topic` has its prefix. */
export function unfit(message: Message, topic: string): string | undefined {
  if (!TOPIC.test(topic)) return `"${topic}" is not a name that Kafka takes for a topic`;
  const bytes = weight(message);
  if (bytes > MAX_REQUEST_BYTES) return `the message has ${bytes} bytes, and Kafka takes ${MAX_REQUEST_BYTES}`;
  return undefined;
}

/** CloudEvents calls its headers `ce_<attribute>` on Kafka. */
export function toKafka({ key, headers, body }: Message): Outgoing {
  const renamed = Object.entries(headers).map(([name, value]) => [name.replace(/^ce-/, 'ce_'), value]);
  return {
    key,
    value: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    headers: Object.fromEntries(renamed) as IHeaders,
  };
}

/** Reads what anybody may have put on the topic. */
export function fromKafka(topic: string, { key, value, headers = {} }: KafkaMessage): Message {
  const read: Record<string, string> = {};
  for (const [name, values] of Object.entries(headers)) {
    // A name may come several times, and without a value.
    const last = Array.isArray(values) ? values.at(-1) : values;
    if (last !== undefined && last !== null) read[name.replace(/^ce_/, 'ce-')] = last.toString();
  }
  return {
    topic,
    key: key?.toString() ?? read['ce-partitionkey'] ?? '',
    headers: read,
    body: value ?? Buffer.alloc(0),
  };
}
