import { dataschema, events, type Topic } from '@order-events/contracts';
import { contentOf, JSON_TYPE } from './codecs/content';
import { MAX_BODY_BYTES } from './codecs/over-long';
import { DeadLetterError, type Cause, type NewEvent } from './decision';
import { later } from './event-id';
import type { LogRecord, OutboxEntry } from './ports/store';
import type { Message } from './ports/transport';

/**
 * CloudEvents 1.0 on a message: in binary mode each attribute is a header `ce-<attribute>` and the body is the data; in
 * structured mode, for brokers without headers, one JSON object holds both. An adapter whose broker has its own prefix
 * (`ce_`, `cloudEvents:`) renames the headers.
 */
const STRUCTURED = 'application/cloudevents+json';
const PREFIX = 'ce-';
/** Of the attribute that is added later. */
const TIME_BYTES = 'ce-time,2000-01-01T00:00:00.000Z'.length;

/** Attributes that must be there for us to take a message for one of our events. */
const REQUIRED = ['id', 'source', 'type', 'subject', 'dataschema'] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export interface Publisher {
  /** The `source` of its events, `/inventory`. */
  source: string;
  /** The largest event that its transport takes, attributes included, bytes. */
  maxEventBytes: number;
}

/** Where an event comes from, and what from. */
export type Origin = Pick<Publisher, 'source'> & Partial<Publisher> & Cause;

/** No transport would take it, or nobody would read it, however often it is tried. */
export class EventTooLargeError extends DeadLetterError {
  override name = 'EventTooLargeError';
}

/** Attributes by name, all text, and the data as parsed JSON. */
export interface RawEvent {
  attributes: Readonly<Record<string, string>>;
  data: unknown;
}

export type Decoded = { ok: true; event: RawEvent } | { ok: false; detail: string };

/**
 * Encodes a decision's event in binary mode. The `time` is added when it is read from the outbox.
 * @param madeId of now; an event for later gets the id of then, because by its id it is told how old it is
 * @throws EventTooLargeError
 */
export function encode(event: NewEvent, madeId: string, origin: Origin): OutboxEntry {
  const { source, maxEventBytes = Infinity, causationid, traceparent } = origin;
  const { delayMs } = event;
  const id = delayMs === undefined ? madeId : later(madeId, delayMs);
  const attributes = {
    id,
    source,
    type: event.type,
    subject: event.subject,
    dataschema: dataschema(event.type, events[event.type].version),
    sequence: String(event.sequence),
    partitionkey: event.subject,
    correlationid: event.subject,
    causationid,
    traceparent,
  };
  const message = toBinary(event.type satisfies Topic, event.subject, attributes, event.data);
  const bytes = Object.entries(message.headers).reduce(
    (sum, header) => sum + header.join().length,
    message.body.byteLength + TIME_BYTES,
  );
  const most = Math.min(maxEventBytes, MAX_BODY_BYTES);
  if (bytes > most) throw new EventTooLargeError(`${event.type} has ${bytes} bytes, and at most ${most} are taken`);
  return { id, ...message, ...(delayMs !== undefined && { delayMs }) };
}

/** Attributes, those that are there, and data as a message in binary mode. */
export function toBinary(
  topic: string,
  key: string,
  attributes: Readonly<Record<string, string | undefined>>,
  data: object,
): Message {
  const headers: Record<string, string> = { 'content-type': JSON_TYPE, [`${PREFIX}specversion`]: '1.0' };
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) headers[PREFIX + name] = value;
  return { topic, key, headers, body: Buffer.from(JSON.stringify(data)) };
}

/** Sets one attribute of a message in binary mode. */
export function withAttribute(message: Message, name: string, value: string): Message {
  return { ...message, headers: { ...message.headers, [PREFIX + name]: value } };
}

/** Says that the data of a message in binary mode is of another kind of JSON. */
export function withContentType(message: Message, type: string): Message {
  return { ...message, headers: { ...message.headers, 'content-type': type } };
}

/** A record as it goes to the broker: with the time at which it was appended. */
export function asPublished(record: LogRecord): Message {
  const { topic, key, headers, body } = record;
  return withAttribute({ topic, key, headers, body }, 'time', record.time.toISOString());
}

/** Reads a message of either mode. A refusal says what is wrong with the bytes; it never throws. */
export function decode(message: Message): Decoded {
  let body: unknown;
  try {
    body = contentOf(message);
  } catch (error) {
    return { ok: false, detail: `the body cannot be read: ${(error as Error).message}` };
  }
  const event = isStructured(message) ? fromStructured(body) : fromBinary(message, body);
  if (!event) return { ok: false, detail: 'a structured event must be a JSON object' };
  const missing = REQUIRED.filter((name) => !event.attributes[name]);
  if (missing.length > 0) return { ok: false, detail: `not a CloudEvent of ours, it lacks: ${missing.join(', ')}` };
  if (!UUID.test(event.attributes['id']!)) return { ok: false, detail: 'the event id is not a UUID' };
  return { ok: true, event };
}

function isStructured(message: Message): boolean {
  const type = message.headers['content-type'];
  return type ? type.startsWith(STRUCTURED) : !(PREFIX + 'specversion' in message.headers);
}

function fromBinary(message: Message, data: unknown): RawEvent {
  const attributes: Record<string, string> = {};
  for (const [header, value] of Object.entries(message.headers)) {
    if (header.startsWith(PREFIX)) attributes[header.slice(PREFIX.length)] = value;
  }
  return { attributes, data };
}

function fromStructured(body: unknown): RawEvent | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const { data, ...rest } = body as Record<string, unknown>;
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value === 'string') attributes[name] = value;
    else if (typeof value === 'number' || typeof value === 'boolean') attributes[name] = String(value);
  }
  return { attributes, data };
}
