import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import type { Say } from '@order-events/testing';
import { output } from '../../compose/command';
import type { Engine } from '../../compose/engine';
import { buildApp, haveImages } from '../../compose/images';
import { buildImages } from '../node/images';
import { brokers } from './brokers';

/** The tags under which the manifests name our images, and under which the next version of them is rolled out. */
export const version = '0.1.0';
export const nextVersion = '0.1.1';

export const apps = [
  'order-api',
  'inventory-service',
  'payment-service',
  'logistics-service',
  'email-service',
  'sandbox',
];
const ours = apps.map((app) => `order-events/${app}`);

const foreign = (transport: string) => ['postgres:18.4', ...(brokers[transport] ? [brokers[transport].image] : [])];

export const imagesOfTrial = (transport: string) => [
  ...ours.flatMap((image) => [`${image}:${version}`, `${image}:${nextVersion}`]),
  ...foreign(transport),
];

/** Builds our images, has those that they stand on, and those of the node itself. */
export async function haveAllImages(transport: string, engine: Engine, say: Say): Promise<void> {
  await haveImages(['debian:bookworm-slim', 'node:24-bookworm-slim', ...foreign(transport)], engine, say);
  await buildImages(engine.env);
  for (const app of apps) {
    await buildApp(app, `order-events/${app}:${version}`, engine.env, say);
    // The same files: that two versions understand each other is tested elsewhere, and one image is built sooner than two.
    await output('docker', ['tag', `order-events/${app}:${version}`, `order-events/${app}:${nextVersion}`], engine.env);
  }
}

/** Takes images from the Docker engine over into a container runtime. @param ctr the words that begin its commands */
export async function load(ctr: readonly string[], names: readonly string[]): Promise<void> {
  const save = spawn('docker', ['save', ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [command, ...args] = ctr;
  const take = spawn(command!, [...args, 'images', 'import', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const [, [saved], [taken]] = await Promise.all([
    pipeline(save.stdout, take.stdin),
    once(save, 'close') as Promise<[number]>,
    once(take, 'close') as Promise<[number]>,
  ]);
  if (saved !== 0 || taken !== 0) throw new Error('The images cannot be taken over from the Docker engine.');
}
