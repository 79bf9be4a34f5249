import { bind, createLogger, listen } from '@order-events/service-kit';
import { Database } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase } from '@order-events/testing';
import { createApp } from '../src/app';
import { closeMailCatcher, mailCatcher } from '../src/mail/catcher';
import { migrations } from '../src/migrations';

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
  if (own) await migrate({ ownerUrl: own.url, loginRole: new URL(own.url).username, migrations });
  const log = createLogger('sandbox', 'silent');
  const onError = (error: Error) => log.warn(error);
  const database = new Database({ url, connections: 10, applicationName: 'sandbox', onError });
  const http = await listen(createApp({ database, log, silenceMs: 20 }), '127.0.0.1', 0, 'PORT');
  const smtp = mailCatcher(database, log);
  const smtpPort = await bind(smtp.server, '127.0.0.1', 0, 'SMTP_PORT');
  return {
    url: `http://127.0.0.1:${http.port}`,
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    database,
    async close() {
      await http.close(0);
      await closeMailCatcher(smtp);
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
