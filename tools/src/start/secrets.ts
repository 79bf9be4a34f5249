import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writePrivately } from './files';

/** Passwords by role. */
export type Secrets = Readonly<Record<string, string>>;

/** Reads the passwords of these roles from the file; makes those that are not there yet, and keeps them. */
export function readSecrets(file: string, roles: readonly string[]): Secrets {
  const known: Secrets = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Secrets) : {};
  const missing = roles.filter((role) => !(role in known));
  if (missing.length === 0) return known;
  const secrets = { ...known, ...Object.fromEntries(missing.map((role) => [role, randomBytes(24).toString('hex')])) };
  writePrivately(file, secrets);
  return secrets;
}
