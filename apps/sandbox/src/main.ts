import { bind, listen, loadConfig, runProcess } from '@order-events/service-kit';
import { Database } from '@order-events/store';
import { createApp } from './app';
import { closeMailCatcher, mailCatcher } from './mail/catcher';

const SETTINGS = ['HOST', 'PORT', 'SMTP_PORT', 'DATABASE_URL', 'DATABASE_CONNECTIONS', 'LOG_LEVEL'] as const;
const SILENCE_MS = 2_000;
/** Longer than a caller waits whose answer gets lost. */
const HTTP_GRACE_MS = 5_000;

runProcess('sandbox', async (log) => {
  const config = loadConfig(SETTINGS, { PORT: 3900, SMTP_PORT: 1025 });
  log.level = config.LOG_LEVEL;
  const database = new Database({
    url: config.DATABASE_URL,
    connections: config.DATABASE_CONNECTIONS,
    applicationName: 'sandbox',
    onError: (error) => log.warn({ err: error }, 'lost a connection to Postgres'),
  });
  const smtp = mailCatcher(database, log);
  const smtpPort = await bind(smtp.server, config.HOST, config.SMTP_PORT, 'SMTP_PORT');
  const app = createApp({ database, log, silenceMs: SILENCE_MS });
  const http = await listen(app, config.HOST, config.PORT, 'PORT');
  log.info({ port: http.port, smtp_port: smtpPort }, 'ready');
  return async () => {
    await Promise.all([http.close(HTTP_GRACE_MS), closeMailCatcher(smtp)]);
    await database.close();
  };
});
