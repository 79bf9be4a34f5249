import type { Message } from '@order-events/messaging';

/** A message as it stands in a stream. */
export interface Entry {
  stream: string;
  id: string;
  /** How often it was handed over, this time included. */
  deliveries: number;
  key: string;
  message: Message;
}

/** An entry as the server tells it: its id, then fields and values by turns. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** What XREAD and XREADGROUP answer: entries by stream, or null when there were none. */
export type RawStreams = Readonly<Record<string, readonly RawEntry[]>> | null;

/** No header can have these names. */
const KEY = '$key';
const BODY = '$body';

/** What is where on the server, and how a message is written there. */
export class Wire {
  constructor(private readonly prefix: string) {}

  stream(topic: string): string {
    return `${this.prefix}topic:${topic}`;
  }

  /** The set of a group's topics. */
  topicsOf(group: string): string {
    return `${this.prefix}group:${group}`;
  }

  /** The channel that the members of a group are subscribed to. */
  membersOf(group: string): string {
    return `${this.prefix}members:${group}`;
  }

  /** Fields and values by turns: each header one field, and the key and the body. */
  fields({ key, headers, body }: Message): (string | Buffer)[] {
    return [...Object.entries(headers).flat(), KEY, key, BODY, Buffer.from(body.buffer, body.byteOffset, body.length)];
  }

  /** Of what was handed over for the first time. */
  entries(read: RawStreams): Entry[] {
    return Object.entries(read ?? {}).flatMap(([stream, some]) => some.map((raw) => this.entry(stream, raw, 1)));
  }

  /** Reads what anybody may have added to the stream. */
  entry(stream: string, [id, fields]: RawEntry, deliveries: number): Entry {
    const found = new Map<string, Buffer>();
    for (let i = 0; i + 1 < fields.length; i += 2) found.set(fields[i]!.toString(), fields[i + 1]!);
    const body = found.get(BODY) ?? Buffer.alloc(0);
    const written = found.get(KEY)?.toString();
    found.delete(KEY);
    found.delete(BODY);
    const headers = Object.fromEntries([...found].map(([name, value]) => [name, value.toString()]));
    const key = written ?? headers['ce-partitionkey'] ?? '';
    const topic = stream.slice(this.stream('').length);
    return { stream, id: id.toString(), deliveries, key, message: { topic, key, headers, body } };
  }
}
