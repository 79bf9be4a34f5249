import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../command-line';
import { checkOptions, System } from '../start';
import { Logs } from '../start/logs';
import { Disk } from './disk';
import { Network } from './network';
import { runChaos } from './run';

const USAGE = `Usage: npm run chaos -- [options]

Starts a system of its own, orders from it, breaks it, and counts what came of the orders.

  --seconds N      how long things are broken (60)
  --replicas N     how many of each service (2)
  --transport T    what carries the events (as TRANSPORT says; without it postgres)
  --seed N         what is broken when, within what the machine allows (chosen, and said)

PORT_OFFSET moves its ports, DATA_DIR its folder.`;

/** `npm run chaos`: a fresh system in a folder of its own, chaos, and the reckoning. Exit code 1 when something is wrong. */
async function main(): Promise<void> {
  const values = readOptions(USAGE, {
    seconds: { type: 'string', default: '60' },
    replicas: { type: 'string', default: '2' },
    transport: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
  });
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0)) throw new Error('--seconds must be a number above 0.');
  if (!Number.isSafeInteger(seed)) throw new Error('--seed must be a whole number.');
  if (values.transport !== undefined) process.env.TRANSPORT = values.transport;
  const { DATA_DIR = '.data', PORT_OFFSET = '0' } = process.env;
  const [portOffset, replicas] = [Number(PORT_OFFSET), Number(values.replicas)];
  checkOptions({ replicas, portOffset });
  const dataDirectory = join(DATA_DIR, 'chaos');
  mkdirSync(dataDirectory, { recursive: true });
  const logFile = join(dataDirectory, 'chaos.log');
  const logs = new Logs(createWriteStream(logFile), 'order-api-2'.length);
  const say = (line: string) => process.stdout.write(`${line}\n`);

  const stopping = new AbortController();
  const disk = diskIn(dataDirectory, say);
  const network = new Network();
  const system = new System({
    dataDirectory,
    fresh: true,
    postgresDirectory: disk && join(disk.directory, 'postgres'),
    portOffset,
    replicas,
    log: (name) => logs.of(name),
    network: (to, port) => network.between(to, port),
  });
  let starting = Promise.resolve();
  let ended: Promise<void> | undefined;
  const end = () =>
    (ended ??= (async () => {
      await system.stop();
      // One that was still being started ends what it has begun when it hears of it.
      await starting.catch(() => undefined);
      await network.close();
      disk?.unmount();
    })());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) system.destroy();
      stopping.abort(new Error(`Stopped by ${signal}.`));
      // Clients that still wait for an answer will never get one.
      void end().finally(() => process.exit(1));
    });
  }
  say(`starting a system in ${dataDirectory}; what it says goes to ${logFile}`);
  try {
    await (starting = system.start());
    if (!(await runChaos(system, { seconds, seed, network, disk, say, signal: stopping.signal }))) process.exitCode = 1;
  } finally {
    await end();
  }
}

/** One for Postgres alone that can be filled; undefined where there can be none, and then it says so. */
function diskIn(dataDirectory: string, say: (line: string) => void): Disk | undefined {
  try {
    return new Disk(join(dataDirectory, 'disk'));
  } catch (error) {
    say(`NOT TESTED: a full disk. It takes Linux, root and the right to mount: ${(error as Error).message}`);
    return undefined;
  }
}

main().then(
  () => process.exit(),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
