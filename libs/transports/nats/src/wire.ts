import type { Message } from '@order-events/messaging';
import { headers, type Msg, type MsgHdrs } from 'nats';

/** NATS knows no key of a message. */
const KEY = 'Order-Events-Key';
/** What the server and its clients read themselves; some of them delete messages or hold them back. */
const RESERVED = /^nats-/i;
/** Has blanks of its own, and others read it without decoding. */
const PLAIN = 'content-type';
const SUBJECT = /^[^\s.*>]+(\.[^\s.*>]+)*$/;

/** A message that no NATS server would take as it is. */
export class UnfitMessage extends Error {
  override name = 'UnfitMessage';
}

export class Wire {
  constructor(private readonly prefix: string) {}

  /** @throws UnfitMessage when a server would read it as something else than one subject */
  subject(topic: string): string {
    const subject = this.prefix + topic;
    if (!SUBJECT.test(subject)) throw new UnfitMessage(`"${subject}" is not a subject of NATS`);
    return subject;
  }

  /** The subject on which the members of a group say that they are there. The stream does not keep it. */
  membersOf(group: string): string {
    return `${this.prefix}$members.${this.name(group)}`;
  }

  /** The subject on which a leaving member of a group hands over what it has not handled, where no stream has it. */
  handedTo(group: string): string {
    return `${this.prefix}$handed.${this.name(group)}`;
  }

  /** The name of a stream or a consumer, which may hold no dot. */
  name(name: string): string {
    return encodeURIComponent(this.prefix + name).replace(/[.*]/g, (letter) => (letter === '.' ? '%2E' : '%2A'));
  }

  /** @throws UnfitMessage */
  headers(message: Message): MsgHdrs {
    const encoded = headers();
    encoded.set(KEY, encode(message.key));
    for (const [name, value] of Object.entries(message.headers)) {
      if (RESERVED.test(name)) throw new UnfitMessage(`the header ${name} is the server's own`);
      try {
        encoded.set(name, name === PLAIN ? value : encode(value));
      } catch (error) {
        throw new UnfitMessage(`the header ${name} cannot be sent: ${(error as Error).message}`);
      }
    }
    return encoded;
  }

  /** Reads what anybody may have put on the subject. */
  message(msg: Msg): Message {
    const read = headersOf(msg);
    const { [KEY]: key = read['ce-partitionkey'] ?? '', ...rest } = read;
    return { topic: msg.subject.slice(this.prefix.length), key, headers: rest, body: msg.data };
  }
}

/**
 * By which the server knows a message that it has already. The topic belongs to it: one stream holds all of them.
 * Undefined for a message without an id.
 */
export function messageId({ topic, headers }: Message): string | undefined {
  const { 'ce-id': id, 'ce-resend': resend } = headers;
  if (id === undefined) return undefined;
  return encode(`${id}${resend === undefined ? '' : `:${resend}`}@${topic}`);
}

function headersOf(msg: Msg): Record<string, string> {
  const read: Record<string, string> = {};
  let received: MsgHdrs | undefined;
  try {
    received = msg.headers;
  } catch {
    // The client throws at a name that is none, which the server lets pass. The body is for the pipeline to judge.
    return read;
  }
  for (const [name, [value = '']] of received ?? []) {
    if (RESERVED.test(name)) continue;
    read[name] = name === PLAIN ? value : decode(value);
  }
  return read;
}

/** Percent-encoding as CloudEvents has it for HTTP and NATS: what is not visible ASCII, the double quote and the percent sign. */
function encode(text: string): string {
  return text.replace(/[^\x21\x23\x24\x26-\x7e]+/g, (some) => encodeURIComponent(some));
}

/** Takes text that was not encoded, as other programs may send it, for what it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
