import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testDatabase } from '@order-events/testing';
import pino from 'pino';
import { createApp } from '../src/app';
import { Database } from '../src/database';
import { mailCatcher } from '../src/mail/catcher';
import { migrate } from '../src/migrate';

export interface RunningSandbox {
  /** Of its HTTP side, without a slash at the end. */
  url: string;
  smtpUrl: string;
  database: Database;
  close(): Promise<void>;
}

/** The real sandbox on free ports. Without a database of the caller's it gets a new one, which goes with it. */
export async function startSandbox(databaseUrl?: string): Promise<RunningSandbox> {
  const own = databaseUrl === undefined ? await testDatabase() : undefined;
  const url = databaseUrl ?? own?.url ?? '';
  if (own) await migrate(own.url, new URL(own.url).username);
  const log = pino({ level: 'silent' });
  const database = new Database(url, (error) => log.warn(error));
  const http = createServer(createApp({ database, log, silenceMs: 20 }));
  const smtp = mailCatcher(database, log);
  await Promise.all([once(http.listen(0, '127.0.0.1'), 'listening'), once(smtp.listen(0, '127.0.0.1'), 'listening')]);
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    smtpUrl: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    database,
    async close() {
      http.closeAllConnections();
      await new Promise((closed) => http.close(closed));
      await new Promise<void>((closed) => smtp.close(() => closed()));
      await database.close();
      await own?.drop();
    },
  };
}

/** Posts JSON with an idempotency key. */
export function post(url: string, idempotencyKey: string, body?: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(body),
  });
}

/** The body of an answer, whose shape the test asserts. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an assertion is what is made of it
export async function json(response: Response): Promise<any> {
  return response.json();
}
