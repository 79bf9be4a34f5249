import type { Message } from '../ports/transport';
import { compress, decompress, type Compression } from './compression';
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
  return compression === 'none' || inCodec.body.byteLength < compressFrom ? inCodec : packed(inCodec, compression);
}

/** Whether the body is in another form than the data was written in. */
export function isCoded({ headers }: Pick<Message, 'headers'>): boolean {
  return headers['content-encoding'] !== undefined || headers['content-type'] === PROTOBUF_TYPE;
}

/** Parsed JSON, or what a message in another form is in JSON. @throws with what is wrong with the bytes */
export function contentOf({ headers, body }: Message): unknown {
  const encoding = headers['content-encoding'];
  const bytes = encoding === undefined ? body : decompress(body, encoding);
  if (headers['content-type'] !== PROTOBUF_TYPE) return parsed(bytes);
  const schema = headers['ce-dataschema'] ?? '';
  const type = protobufType(schema);
  if (!type) throw new Error(`no Protobuf message is known for "${schema}"`);
  return fromProtobuf(type, bytes);
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
  const bytes = toProtobuf(type, JSON.parse(Buffer.from(body).toString()) as object);
  return bytes ? { ...message, headers: { ...headers, 'content-type': PROTOBUF_TYPE }, body: bytes } : message;
}

function packed(message: Message, compression: Compression): Message {
  const body = compress(message.body, compression);
  if (body.byteLength >= message.body.byteLength) return message;
  return { ...message, headers: { ...message.headers, 'content-encoding': compression }, body };
}
