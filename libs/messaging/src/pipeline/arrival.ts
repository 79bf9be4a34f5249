import { createHash } from 'node:crypto';
import { readData, type AnyEvent, type EventData } from '@order-events/contracts';
import { decode, type RawEvent } from '../cloud-events';
import { asDelivered } from '../codecs/over-long';
import { uuidOf } from '../event-id';
import type { Retry } from '../ports/store';
import type { Span } from '../ports/tracer';
import type { Message } from '../ports/transport';

/** A message as the pipeline carries it: read into an event, or with what is wrong with it. */
export interface Arrival {
  id: string;
  topic: string;
  key: string;
  message: Message;
  /** W3C trace context of whatever follows from it: of `span`, or else of the message, if it could be read. */
  traceparent?: string;
  /** Of this try, once it has begun. */
  span?: Span;
  /** Tries before this one. */
  attempts: number;
  /** Of those, the ones that may have ended with their process; undefined: it was never tried alone. */
  crashes?: number;
  /** Out of the inbox; else the transport delivers it. */
  again: boolean;
  reading:
    | { ok: true; event: AnyEvent }
    /** `waits`: a later deployment may know it. Anything else never will be readable. */
    | { ok: false; waits: boolean; detail: string };
}

/** Characters that the inbox keeps of a key that nobody has checked: an index entry of Postgres holds 2,704 bytes. */
const MOST_KEY = 500;

/** What the inbox knows of a message that comes out of it. */
type Tried = Pick<Retry, 'attempts' | 'crashes'>;

/**
 * Decodes, validates and upcasts. Never throws: whatever comes in must be able to reach the inbox.
 * @param tries before this one, of a message out of the inbox
 */
export function read(came: Message, tries?: Tried): Arrival {
  const message = tries ? came : asDelivered(came);
  const decoded = decode(message);
  // By its bytes whatever id it claims: a copy that was torn on its way must not take the place of the event.
  if (!decoded.ok) return unreadable(message, idOfBytes(came), tries, decoded.detail);
  const { attributes, data } = decoded.event;
  const id = attributes['id']!.toLowerCase();
  const reading = readData(attributes['type']!, attributes['dataschema']!, data);
  if (!reading.ok) {
    const detail = `${reading.problem}: ${reading.detail}`;
    return unreadable(message, id, tries, detail, reading.problem === 'newer_version');
  }
  const lie = contradiction(attributes, reading.data);
  if (lie) return unreadable(message, id, tries, lie);
  const event = { ...attributes, id, sequence: Number(attributes['sequence'] ?? 0), data: reading.data };
  return {
    id,
    topic: reading.topic,
    key: attributes['subject']!,
    message,
    traceparent: attributes['traceparent'],
    ...triedBefore(tries),
    reading: { ok: true, event: event as unknown as AnyEvent },
  };
}

/** Tries with this one. To wait for a deployment that can read it is none: it has yet to be tried. */
export function triesOf({ attempts, reading }: Pick<Arrival, 'attempts' | 'reading'>): number {
  return !reading.ok && reading.waits ? attempts : attempts + 1;
}

/** What the envelope says and cannot be: locks are taken by what it says, and rows written by what the data says. */
function contradiction(
  { subject, sequence = '0' }: RawEvent['attributes'],
  { order_id }: EventData,
): string | undefined {
  if (subject !== order_id) return `the subject is ${subject}, and the data is about ${order_id}`;
  if (!/^\d{1,15}$/.test(sequence)) return `the sequence is not a number: ${sequence}`;
  return undefined;
}

function unreadable(message: Message, id: string, tries: Tried | undefined, detail: string, waits = false): Arrival {
  const { topic } = message;
  const key = message.key.slice(0, MOST_KEY);
  return { id, topic, key, message, ...triedBefore(tries), reading: { ok: false, waits, detail } };
}

function triedBefore(tries: Tried | undefined) {
  return { attempts: tries?.attempts ?? 0, crashes: tries?.crashes, again: tries !== undefined };
}

/** The same bytes get the same id (a version 8 UUID), so that garbage delivered twice is one dead letter. */
export function idOfBytes(message: Pick<Message, 'topic' | 'body'>): string {
  return uuidOf(createHash('sha256').update(message.topic).update('\0').update(message.body).digest(), 8);
}
