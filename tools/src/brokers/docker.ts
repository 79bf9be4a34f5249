import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Say, speaks } from '@order-events/testing';
import { type Container, containersOf, network } from './containers';
import { addressOf, type Place } from './place';

/** What was started, for whoever has to end it. */
export interface DockerRecord {
  containers: string[];
  version: string;
  since: string;
}

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run('docker', args)).stdout.trim();

const patienceMs = 300_000;

/** Whether a Docker engine answers, not only its client. */
export const dockerAnswers = () =>
  docker('version', '--format', '{{.Server.Version}}').then(
    () => true,
    () => false,
  );

const recordFile = ({ directory }: Place) => join(directory, 'docker.json');

export function readDocker(place: Place): DockerRecord | undefined {
  return existsSync(recordFile(place))
    ? (JSON.parse(readFileSync(recordFile(place), 'utf8')) as DockerRecord)
    : undefined;
}

/** Sees to it that the images are there; says so and resolves with false when one cannot be pulled. */
export async function haveImages(place: Place, say: Say): Promise<boolean> {
  for (const image of imagesOf(place)) {
    const isThere = await docker('image', 'inspect', image).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    say(`Pulling ${image} …`);
    const problem = await docker('pull', '--quiet', image).then(
      () => undefined,
      (error: Error) => error.message.trim(),
    );
    if (problem === undefined) continue;
    say(`${image} could not be pulled, so ${place.name} is started without Docker: ${problem}`);
    return false;
  }
  return true;
}

/** Starts the containers and resolves when the broker speaks. Rejects with the end of their logs, and leaves none behind. */
export async function dockerUp(place: Place, say: Say): Promise<void> {
  const containers = containersOf(place);
  const version = imagesOf(place).join(' ');
  const record = { containers: containers.map(({ name }) => name), version, since: new Date().toISOString() };
  mkdirSync(place.directory, { recursive: true });
  writeFileSync(recordFile(place), JSON.stringify(record satisfies DockerRecord, null, 2));
  try {
    say(`Starting ${place.name} in Docker: ${version} …`);
    if (containers.length > 1) await docker('network', 'create', network(place));
    for (const container of containers) {
      const { file } = container;
      if (file) writeFileSync(join(place.directory, file.name), file.content);
      await docker(...runArguments(container, place));
    }
    await untilItSpeaks(place, record);
  } catch (error) {
    await dockerDown(place);
    throw error;
  }
}

const imagesOf = (place: Place) => [...new Set(containersOf(place).map(({ image }) => image))];

/** Removes the containers that `dockerUp` started. Their data stays in volumes for the next ones. */
export async function dockerDown(place: Place): Promise<void> {
  const { containers = [] } = readDocker(place) ?? {};
  const ours = await docker('ps', '--all', '--quiet', '--filter', `label=${label(place)}`);
  if (ours !== '') await docker('rm', '--force', ...ours.split('\n'));
  if (containers.length > 1) {
    const networks = await docker('network', 'ls', '--quiet', '--filter', `name=^${network(place)}$`);
    if (networks !== '') await docker('network', 'rm', network(place));
  }
  rmSync(recordFile(place), { force: true });
}

async function untilItSpeaks(place: Place, { containers }: DockerRecord): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const trouble = await speaks(place.name, place.env).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (trouble === undefined) return;
    const running = await docker('ps', '--quiet', '--filter', `label=${label(place)}`);
    if (running.split('\n').length < containers.length || performance.now() > deadline) {
      const logs = await Promise.all(containers.map((name) => run('docker', ['logs', '--tail', '20', name])));
      const ends = logs.map(({ stdout, stderr }) => `${stdout}${stderr}`).join('\n');
      throw new Error(`${place.name} did not start in Docker (${trouble}). Its log ends with:\n${ends}`);
    }
    await sleep(200);
  }
}

const label = (place: Place) => `order-events.broker=${place.name}-${addressOf(place)}`;
/** The words after `docker`. Pure. */
export function runArguments(container: Container, place: Place): string[] {
  const { name, ports, options, file, image, args } = container;
  const published = ports.flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`]);
  const mounted = file ? ['--volume', `${join(place.directory, file.name)}:${file.inside}:ro`] : [];
  return [
    'run',
    '--detach',
    '--name',
    name,
    '--label',
    label(place),
    ...published,
    ...mounted,
    ...options,
    image,
    ...args,
  ];
}
