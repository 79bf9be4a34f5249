import { createHash } from 'node:crypto';
import { Problem } from '@order-events/service-kit';
import type { Claim } from '../door/request';

/** Nobody is asked who they are yet: all keys are of one caller. */
const ANYONE = 'anyone';

const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const BARE = /^[\x21\x23-\x7e]+$/;
const LONGEST = 255;

/**
 * Reads the header `Idempotency-Key`, a structured-field string as in the IETF's draft, or the same without quotes.
 * @param header undefined when it was not sent
 * @param input the validated body
 * @throws Problem 400 when it is malformed.
 */
export function claimFrom(header: string | undefined, input: unknown): Claim | undefined {
  if (header === undefined) return undefined;
  const quoted = QUOTED.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const key = quoted ?? BARE.exec(header)?.[0] ?? '';
  if (key.length < 1 || key.length > LONGEST)
    throw new Problem(400, {
      kind: 'invalid-idempotency-key',
      detail: `Idempotency-Key must be 1 to ${LONGEST} printable ASCII characters; with blanks among them, in quotes.`,
    });
  return { caller: ANYONE, key, fingerprint: fingerprint(input) };
}

/** The same for inputs that mean the same, whatever the order in which their fields were written. */
function fingerprint(input: unknown): string {
  const sorted = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256').update(JSON.stringify(input, sorted)).digest('hex');
}
