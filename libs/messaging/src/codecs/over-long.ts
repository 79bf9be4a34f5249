import type { Message } from '../ports/transport';

/**
 * The most bytes that a body may have, as it comes and when it is unpacked: it is read before anything is known of it, so it
 * must not be able to fill the memory.
 */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** What is kept of a longer one: enough to see whose it is, and a batch of them fits into memory and into a statement. */
export const KEPT_BYTES = 64 * 1024;

/** Says of a beginning that was kept how many bytes there were: it must never be taken for the whole. */
const CUT_FROM = 'oe-cut-from';

type Raw = Pick<Message, 'headers' | 'body'>;

/** @throws when there is more of the body than is read */
export function assertReadable({ headers, body }: Raw): void {
  const cutFrom = headers[CUT_FROM];
  if (cutFrom === undefined && body.byteLength <= MAX_BODY_BYTES) return;
  throw overLong(`it has ${cutFrom ?? body.byteLength} bytes, of which the first ${KEPT_BYTES} are kept`);
}

export function overLong(detail: string): Error {
  return new Error(`over-long: at most ${MAX_BODY_BYTES} bytes are read, and ${detail}`);
}

/** The message as it is kept when it cannot be read: all of it, or the beginning of an over-long body. */
export function kept<M extends Raw>(message: M): M {
  const { headers, body } = message;
  if (body.byteLength <= MAX_BODY_BYTES) return message;
  // Copied, so that the rest is let go.
  const beginning = Buffer.from(body.subarray(0, KEPT_BYTES));
  return { ...message, headers: { ...headers, [CUT_FROM]: String(body.byteLength) }, body: beginning };
}
