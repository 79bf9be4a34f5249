import type { Message } from '../ports/transport';

/**
 * The most bytes that a body may have, as it comes and when it is unpacked: it is read before anything is known of it, so it
 * must not be able to fill the memory.
 */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The most that is kept of a longer one: enough to see whose it is, and a batch of them fits into a statement. */
export const KEPT_BYTES = 64 * 1024;

/**
 * Says of a beginning that was kept how many bytes there were: it must never be taken for the whole. Believed only of what
 * comes out of the inbox, for anybody can send it.
 */
const CUT_FROM = 'oe-cut-from';

type Raw = Pick<Message, 'headers' | 'body'>;

/** @throws when there is more of the body than is read, or when it is the beginning of one */
export function assertReadable({ headers, body: { byteLength } }: Raw): void {
  const cutFrom = headers[CUT_FROM];
  if (cutFrom !== undefined) throw overLong(`it has ${cutFrom} bytes, of which the first ${byteLength} are kept`);
  // An older version of us kept such a one whole.
  if (byteLength > MAX_BODY_BYTES) throw overLong(`it has ${byteLength} bytes`);
}

export function overLong(detail: string): Error {
  return new Error(`over-long: at most ${MAX_BODY_BYTES} bytes are read, and ${detail}`);
}

/** A message that a broker delivers as it is read and kept: all of it, or the beginning of an over-long body. */
export function asDelivered<M extends Raw>(message: M): M {
  const { headers, body } = message;
  if (body.byteLength > MAX_BODY_BYTES) {
    // Copied: a view would hold the whole for as long as the beginning is kept, which the store in memory does.
    const beginning = Buffer.from(body.subarray(0, endOfBeginning(body)));
    return { ...message, headers: { ...headers, [CUT_FROM]: String(body.byteLength) }, body: beginning };
  }
  if (!(CUT_FROM in headers)) return message;
  // Kept with it, it would be believed at the next try.
  return { ...message, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== CUT_FROM)) };
}

/** Not within a character of UTF-8: what is text must stay text, in which an operator is not shown a card's token. */
function endOfBeginning(body: Uint8Array): number {
  for (let end = KEPT_BYTES; end > KEPT_BYTES - 4; end--) if ((body[end]! & 0xc0) !== 0x80) return end;
  return KEPT_BYTES;
}
