import { isUtf8 } from 'node:buffer';
import type { Message } from '@order-events/messaging';

/** Of one message on the wire: what nsqd takes by default. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

const NAME = /^[.\w-]{1,64}$/;
const ATTRIBUTE = /^ce-([a-z0-9]+)$/;
/** Members of the JSON object that are no attributes. */
const RESERVED = ['data', 'data_base64', 'datacontenttype', 'messagekey', 'messageheaders'];

/** A message, topic or group that no nsqd would take. */
export class UnfitError extends Error {
  override name = 'UnfitError';
}

/** A topic or channel with its prefix. @throws UnfitError */
export function nsqName(prefix: string, name: string): string {
  if (!NAME.test(prefix + name)) throw new UnfitError(`"${prefix}${name}" is not a name that NSQ takes`);
  return prefix + name;
}

/**
 * NSQ knows only bytes: a message becomes a CloudEvent in structured mode. What CloudEvents has no place for stands in the
 * members `messagekey`, when the key is not the event's `partitionkey`, and `messageheaders`, JSON in a string.
 * @throws UnfitError
 */
export function encode({ key, headers, body }: Message): Buffer {
  const envelope: Record<string, string> = {};
  const others: Record<string, string> = {};
  const isEvent = headers['ce-specversion'] !== undefined;
  for (const [name, value] of Object.entries(headers)) {
    const [, attribute = ''] = ATTRIBUTE.exec(name) ?? [];
    if (isEvent && name === 'content-type') envelope['datacontenttype'] = value;
    else if (isEvent && attribute !== '' && !RESERVED.includes(attribute)) envelope[attribute] = value;
    else others[name] = value;
  }
  if (envelope['partitionkey'] !== key) envelope['messagekey'] = key;
  if (!isEvent || Object.keys(others).length > 0) envelope['messageheaders'] = JSON.stringify(others);
  const json = isJson(envelope['datacontenttype']) ? canonicalJson(body) : undefined;
  if (json === undefined) envelope['data_base64'] = Buffer.from(body).toString('base64');
  const text = JSON.stringify(envelope);
  const encoded = Buffer.from(json === undefined ? text : `${text.slice(0, -1)},"data":${json}}`);
  if (encoded.byteLength > MAX_MESSAGE_BYTES)
    throw new UnfitError(`the message has ${encoded.byteLength} bytes, and NSQ takes ${MAX_MESSAGE_BYTES}`);
  return encoded;
}

/** Reads what anybody may have put on the topic; what is no event in structured mode goes on as the bytes it is. */
export function decode(topic: string, bytes: Buffer): Message {
  try {
    const envelope = JSON.parse(bytes.toString()) as unknown;
    if (isEnvelope(envelope)) return opened(topic, envelope);
  } catch {
    // Whether it is of any use the pipeline judges, which keeps the bytes.
  }
  return { topic, key: '', headers: {}, body: bytes };
}

type Envelope = Record<string, unknown>;

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false;
  const { specversion, messageheaders } = value as Envelope;
  return typeof specversion === 'string' || typeof messageheaders === 'string';
}

function opened(topic: string, envelope: Envelope): Message {
  const { datacontenttype, messagekey, messageheaders, partitionkey = '' } = envelope;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(envelope)) {
    if (!RESERVED.includes(name) && isPlain(value)) headers[`ce-${name}`] = String(value);
  }
  if (isPlain(datacontenttype)) headers['content-type'] = String(datacontenttype);
  for (const [name, value] of Object.entries(JSON.parse(text(messageheaders ?? '{}')) as Envelope))
    headers[name] = text(value);
  return { topic, key: text(messagekey ?? partitionkey), headers, body: bodyOf(envelope) };
}

function bodyOf({ data, data_base64, datacontenttype }: Envelope): Buffer {
  if (typeof data_base64 === 'string') return Buffer.from(data_base64, 'base64');
  if (data === undefined) return Buffer.alloc(0);
  return Buffer.from(typeof data === 'string' && !isJson(datacontenttype ?? 'json') ? data : JSON.stringify(data));
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function text(value: unknown): string {
  if (!isPlain(value)) throw new TypeError('text was expected');
  return String(value);
}

function isJson(contentType: unknown): boolean {
  return typeof contentType === 'string' && contentType.includes('json');
}

/** The body as text if it is JSON that comes out of a parser as it went in, to the byte. */
function canonicalJson(body: Uint8Array): string | undefined {
  if (!isUtf8(body)) return undefined;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  try {
    return JSON.stringify(JSON.parse(text)) === text ? text : undefined;
  } catch {
    return undefined;
  }
}
