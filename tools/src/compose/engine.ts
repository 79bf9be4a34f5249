import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDirectory, type Say } from '@order-events/testing';
import { succeeds } from './command';

/** What the trial cannot do without, and this machine cannot give. */
export class NoEngine extends Error {
  override name = 'NoEngine';
}

export interface Engine {
  /** By which its clients find it. */
  env: NodeJS.ProcessEnv;
  /** It runs for this trial alone, so what it holds is in nobody's way. */
  isOurs: boolean;
  end(): Promise<void>;
}

/** Images and volumes are kept from one run to the next. */
export const directory = join(dirname(cacheDirectory), 'compose');
const patienceMs = 60_000;

/**
 * The Docker engine that answers, else one that is started for as long as it is needed.
 * @throws NoEngine with the reason
 */
export async function findEngine(say: Say): Promise<Engine> {
  if (await answers(process.env)) return { env: process.env, isOurs: false, end: () => Promise.resolve() };
  if (!(await succeeds('docker', ['--version']))) throw new NoEngine('there is no docker on PATH');
  if (process.getuid?.() !== 0) throw new NoEngine('no Docker engine answers, and only root can start one');
  if (!(await succeeds('dockerd', ['--version'])))
    throw new NoEngine('no Docker engine answers, and there is no dockerd on PATH (Debian: apt-get install docker.io)');
  return start(say);
}

async function start(say: Say): Promise<Engine> {
  const home = join(directory, 'engine');
  mkdirSync(home, { recursive: true });
  const socket = `unix://${join(home, 'docker.sock')}`;
  const env = { ...process.env, DOCKER_HOST: socket };
  const pidFile = join(home, 'docker.pid');
  const end = async () => {
    process.kill(Number(readFileSync(pidFile, 'utf8')));
    while (await answers(env)) await sleep(200);
  };
  // A run that was killed has left it.
  if (await answers(env)) return { env, isOurs: true, end };
  const logFile = join(home, 'dockerd.log');
  const log = openSync(logFile, 'a');
  const places = ['--data-root', join(home, 'data'), '--exec-root', join(home, 'exec')];
  const daemon = spawn('dockerd', [...places, '--host', socket, '--pidfile', pidFile], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  say(`no Docker engine answers; starting one in ${home} …`);
  const deadline = performance.now() + patienceMs;
  while (!(await answers(env))) {
    if (daemon.exitCode !== null) throw new NoEngine(`dockerd does not start here; ${logFile} tells why`);
    if (performance.now() > deadline) throw new NoEngine(`dockerd does not answer; ${logFile} may tell why`);
    await sleep(200);
  }
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  return {
    env,
    isOurs: true,
    async end() {
      daemon.kill();
      await ended;
    },
  };
}

const answers = (env: NodeJS.ProcessEnv) => succeeds('docker', ['info'], env);
