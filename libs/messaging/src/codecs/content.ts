import type { Message } from '../ports/transport';
import { compress, decompress, type Compression } from './compression';
import { assertReadable, MAX_BODY_BYTES } from './over-long';
import { fromProtobuf, protobufType, toProtobuf } from './protobuf';

export const JSON_TYPE = 'application/json';
export const PROTOBUF_TYPE = 'application/protobuf';

/** How bodies go to a broker. What is read is told by each message itself. */
export interface Coding {
  codec: 'json' | 'protobuf';
  compression: Compression | 'none';
  /** What is smaller is not worth it, bytes. */
  compressFrom: number;
}

/** Data in another form. What has no other form, or would grow by it, stays as it is. */
export function coded(message: Message, { codec, compression, compressFrom }: Coding): Message {
  const inCodec = codec === 'protobuf' ? asProtobuf(message) : message;
  const { byteLength } = inCodec.body;
  const isWorthIt = byteLength >= compressFrom && byteLength <= MAX_BODY_BYTES;
  return compression !== 'none' && isWorthIt ? packed(inCodec, compression) : inCodec;
}

/** Whether the body is in another form than the data was written in. */
export function isCoded({ headers }: Pick<Message, 'headers'>): boolean {
  return headers['content-encoding'] !== undefined || headers['content-type'] === PROTOBUF_TYPE;
}

/**
 * Parsed JSON, or what a message in another form is in JSON; undefined for Protobuf of a type or version that nobody here has:
 * which one it is, the envelope says. @throws with what is wrong with the bytes
 */
export function contentOf({ headers, body }: Message): unknown {
  assertReadable({ headers, body });
  const encoding = headers['content-encoding'];
  const bytes = encoding === undefined ? body : decompress(body, encoding);
  if (headers['content-type'] !== PROTOBUF_TYPE) return parsed(bytes);
  const type = protobufType(headers['ce-dataschema'] ?? '');
  return type && fromProtobuf(type, bytes);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function asProtobuf(message: Message): Message {
  const { headers, body } = message;
  if (headers['content-type'] !== JSON_TYPE) return message;
  const type = protobufType(headers['ce-dataschema'] ?? '');
  if (!type) return message;
  let data: unknown;
  try {
    data = parsed(body);
  } catch {
    // Whoever consumes it keeps it as a dead letter; here it would hold up all that comes after it.
    return message;
  }
  // What has a field that only a newer version of us knows stays JSON, which keeps it.
  const bytes = toProtobuf(type, data as object);
  return bytes ? { ...message, headers: { ...headers, 'content-type': PROTOBUF_TYPE }, body: bytes } : message;
}

function packed(message: Message, compression: Compression): Message {
  const body = compress(message.body, compression);
  if (body.byteLength >= message.body.byteLength) return message;
  return { ...message, headers: { ...message.headers, 'content-encoding': compression }, body };
}
