import { once } from 'node:events';
import { createServer } from 'node:http';
import pino from 'pino';
import { createApp } from './app';
import { readConfig } from './config';
import { Database } from './database';
import { mailCatcher } from './mail/catcher';

async function main(): Promise<void> {
  const asked = toStop();
  const config = readConfig();
  const log = pino({ name: 'sandbox', level: config.LOG_LEVEL });
  const database = new Database(config.DATABASE_URL, (error) => log.warn({ err: error }, 'database connection lost'));

  const http = createServer(createApp({ database, log, silenceMs: 2_000 }));
  const smtp = mailCatcher(database, log);
  await once(http.listen(config.PORT, config.HOST), 'listening');
  await once(smtp.listen(config.SMTP_PORT, config.HOST), 'listening');
  log.info({ http: http.address(), smtp: smtp.server.address() }, 'sandbox is up');

  await asked;
  // Longer than a caller waits whose answer gets lost.
  const impatience = setTimeout(() => http.closeAllConnections(), 5_000);
  await Promise.all([
    new Promise((closed) => http.close(closed)),
    new Promise<void>((closed) => smtp.close(() => closed())),
  ]);
  clearTimeout(impatience);
  await database.close();
  // To have listened for `disconnect` keeps the channel open, and with it the process.
  if (process.connected) process.disconnect();
  log.info('sandbox has stopped');
}

/** Resolves when somebody wants the process to end, or when the parent that it has a channel to is gone. */
function toStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(event, () => resolve());
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
