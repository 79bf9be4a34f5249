import { constants } from 'node:os';
import { readOptions } from '../command-line';
import { Logs } from './logs';
import type { PortVariable, Programs } from './services';
import { System } from './system';

const USAGE = `Usage: npm start -- [options]

  --fresh         forgets all that an earlier start has left
  --replicas N    how many of each service (1)

TRANSPORT chooses what carries the events, PORT_OFFSET moves the ports, DATA_DIR the folder, HOST the address. docs/config.md has all settings.`;

/**
 * The whole system on this machine, until a signal comes. Reads the command line and `DATA_DIR`, `PORT_OFFSET`, `HOST`.
 * Rejects, with nothing left running, when it could not be started.
 */
export async function runStart(programs: Programs): Promise<void> {
  const values = readOptions(USAGE, {
    fresh: { type: 'boolean', default: false },
    replicas: { type: 'string', default: '1' },
  });
  const { DATA_DIR = '.data', PORT_OFFSET = '0', HOST = '127.0.0.1' } = process.env;
  const logs = new Logs(process.stdout, 'order-api-2'.length);
  const say = logs.of('start');
  const system = new System({
    dataDirectory: DATA_DIR,
    portOffset: Number(PORT_OFFSET),
    replicas: Number(values.replicas),
    fresh: values.fresh,
    host: HOST,
    programs,
    log: (name) => (name === 'start' ? say : logs.of(name)),
  });

  const started = performance.now();
  const starting = system.start();
  onSignal(
    async () => {
      say('stopping; once more to stop at once');
      await system.stop();
      // A start that was under way ends by rejecting, after it has cleaned up.
      await starting.catch(() => undefined);
      say('stopped');
    },
    () => system.destroy(),
  );
  await starting;
  say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const line of greeting(system)) say(line);
}

/** The first signal stops in order, the second one at once. The exit code is the one that shells expect after a signal. */
function onSignal(stop: () => Promise<void>, destroy: () => void): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const exitCode = 128 + constants.signals[signal];
      if (stopping) {
        destroy();
        process.exit(exitCode);
      }
      stopping = true;
      process.exitCode = exitCode;
      void stop().then(() => process.exit());
    });
  }
}

const SERVES: Readonly<Record<PortVariable, string>> = {
  PORT: 'public',
  OPERATOR_PORT: 'operators',
  SMTP_PORT: 'mail',
};

function greeting(system: System): string[] {
  const [api = ''] = system.apiUrls;
  const body = '{"user_id":"user_1","items":[{"product_id":"prod1","quantity":2}],"email":"a@example.com"}';
  return [
    '',
    ...system.instances.map(({ name, ports }) => {
      const urls = (Object.entries(ports) as [PortVariable, number][]).map(
        ([variable, port]) =>
          `${SERVES[variable]} ${variable === 'SMTP_PORT' ? 'smtp' : 'http'}://${system.host}:${port}`,
      );
      return `  ${name.padEnd(12)} ${urls.join('  ')}`;
    }),
    '',
    'Try it, and read the mails afterwards:',
    `  curl -s -XPOST ${api}/orders -H 'content-type: application/json' -d '${body}'`,
    `  curl -s ${api}/orders/{order_id}`,
    `  curl -s '${system.sandboxUrl}/mails?order_id={order_id}'`,
    '',
    'Commands for operators:',
    '  npm run oe -- --help',
    '',
    'Ctrl-C stops.',
  ];
}
