import { randomBytes } from 'node:crypto';

const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The W3C trace context to go on with: the one that was given, or a new one if that is none. */
export function traceparentFrom(given?: string): string {
  if (given !== undefined && VALID.test(given)) return given;
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
