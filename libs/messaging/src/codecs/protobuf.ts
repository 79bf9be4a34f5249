import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { eventsProtoFile } from '@order-events/contracts';
import type * as protobufjs from 'protobufjs';

let root: protobufjs.Root | undefined;

function messages(): protobufjs.Root {
  if (root) return root;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- most processes never see one
  const { parse } = require('protobufjs') as typeof protobufjs;
  return (root = parse(readFileSync(eventsProtoFile, 'utf8'), { keepCase: true }).root);
}

/**
 * The message of `events.proto` that holds the data of this version of an event; undefined when there is none.
 * @param schema `urn:order-events:<type>:<version>`
 */
export function protobufType(schema: string): protobufjs.Type | undefined {
  const [, type = '', version = ''] = /^urn:order-events:([a-z._]+):(\d+)$/.exec(schema) ?? [];
  const name = type.replace(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return (messages().lookup(`order_events.${name}V${version}`) as protobufjs.Type | null) ?? undefined;
}

/** @returns undefined when the message has no place for all of the data */
export function toProtobuf(type: protobufjs.Type, data: object): Uint8Array | undefined {
  if (type.verify(data) !== null) return undefined;
  const bytes = type.encode(type.fromObject(data)).finish();
  return isDeepStrictEqual(fromProtobuf(type, bytes), data) ? bytes : undefined;
}

/** The data as JSON has it. @throws when the bytes are no such message */
export function fromProtobuf(type: protobufjs.Type, body: Uint8Array): object {
  return type.toObject(type.decode(body), { longs: Number, arrays: true });
}
