import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FaultProxy } from '@order-events/testing';
import { System } from '../start';
import { Logs } from '../start/logs';
import { runChaos } from './run';

/** `npm run chaos`: a fresh system in a folder of its own, chaos, and the reckoning. Exit code 1 when something is wrong. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      replicas: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    },
  });
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0)) throw new Error('--seconds must be a number above 0.');
  if (!Number.isSafeInteger(seed)) throw new Error('--seed must be a whole number.');
  const { DATA_DIR = '.data', PORT_OFFSET = '0' } = process.env;
  const dataDirectory = join(DATA_DIR, 'chaos');
  mkdirSync(dataDirectory, { recursive: true });
  const logFile = join(dataDirectory, 'chaos.log');
  const logs = new Logs(createWriteStream(logFile), 'order-api-2'.length);
  const say = (line: string) => process.stdout.write(`${line}\n`);

  const stopping = new AbortController();
  let network: FaultProxy | undefined;
  const system = new System({
    dataDirectory,
    fresh: true,
    portOffset: Number(PORT_OFFSET),
    replicas: Number(values.replicas),
    log: (name) => logs.of(name),
    network: async (port) => (network = await FaultProxy.to({ host: '127.0.0.1', port })).port,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) system.destroy();
      stopping.abort(new Error(`Stopped by ${signal}.`));
      // Clients that still wait for an answer will never get one.
      void system.stop().then(() => process.exit(1));
    });
  }
  say(`starting a system in ${dataDirectory}; what it says goes to ${logFile}`);
  await system.start();
  try {
    if (!(await runChaos(system, { seconds, seed, network: network!, say, signal: stopping.signal })))
      process.exitCode = 1;
  } finally {
    await system.stop();
    await network?.close();
  }
}

main().then(
  () => process.exit(),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
