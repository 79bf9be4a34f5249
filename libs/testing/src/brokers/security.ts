import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a client needs to reach a broker that asks for TLS and a password. */
export interface Security {
  user: string;
  password: string;
  /** Files. The certificate, for 127.0.0.1 and localhost, is self-signed: it is its own authority. */
  certificate: string;
  key: string;
}

/** Makes a certificate and a password in the directory, or reads those that are there. Throws when openssl is missing. */
export function makeSecurity(directory: string): Security {
  const [certificate, key, secret] = ['certificate.pem', 'key.pem', 'password'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  if (!existsSync(secret)) {
    mkdirSync(directory, { recursive: true });
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=localhost'];
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const { status, stderr, error } = spawnSync('openssl', [...words, ...names, '-keyout', key, '-out', certificate], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`openssl could not make a certificate: ${error?.message ?? stderr}`);
    writeFileSync(secret, randomBytes(12).toString('hex'), { mode: 0o600 });
  }
  return { user: 'order-events', password: readFileSync(secret, 'utf8'), certificate, key };
}
