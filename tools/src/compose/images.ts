import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Say, work } from '@order-events/testing';
import { output, succeeds } from './command';
import { directory, type Engine } from './engine';
import { standIns } from './stand-ins';

const debian = 'debian:bookworm-slim';

/**
 * Sees to it that the images are there: those that the engine has or can pull, else, in an engine of our own, stand-ins for them.
 * In anybody else's they would be taken for the real ones later.
 */
export async function haveImages(images: readonly string[], engine: Engine, say: Say): Promise<void> {
  const { env, isOurs } = engine;
  for (const image of images) {
    if (await isThere(image, env)) continue;
    say(`pulling ${image} …`);
    if (await succeeds('docker', ['pull', '--quiet', image], env)) continue;
    if (!isOurs) throw new Error(`${image} cannot be pulled.`);
    say(`${image} cannot be pulled; building a stand-in`);
    if (image === debian) await bootstrap(env, say);
    else await buildStandIn(image, engine, say);
  }
}

/** Builds the image of one of our apps, the way the README says. */
export function buildApp(app: string, image: string, env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  const args = ['--build-arg', `APP=${app}`, '--tag', image, '.'];
  return build(`Building ${image}`, args, env, say);
}

const isThere = (image: string, env: NodeJS.ProcessEnv) => succeeds('docker', ['image', 'inspect', image], env);

async function buildStandIn(image: string, engine: Engine, say: Say): Promise<void> {
  const standIn = standIns[image.split(':')[0]!];
  if (!standIn) throw new Error(`${image} cannot be pulled, and there is no stand-in for it.`);
  await haveImages([debian], engine, say);
  const context = fresh(join('stand-ins', image.replaceAll(/[/:]/g, '-')));
  for (const [path, content] of Object.entries({ ...standIn.files, Dockerfile: standIn.dockerfile })) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), content, { mode: 0o755 });
  }
  await standIn.fetch?.(context, say);
  await build(`Building a stand-in for ${image}`, ['--tag', image, context], engine.env, say);
}

async function bootstrap(env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  const root = fresh('debian');
  const args = ['--variant=minbase', '--include=ca-certificates', 'bookworm', root];
  await work({ title: 'Fetching Debian', command: 'debootstrap', args, cwd: directory }, say);
  const clutter =
    'rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/* usr/share/doc/* usr/share/man/* usr/share/locale/*';
  await output('sh', ['-c', `cd '${root}' && ${clutter} && tar -c . | docker import - ${debian}`], env);
}

/** On the machine's own network: what reaches the registries may be bound to it. */
const build = (title: string, args: readonly string[], env: NodeJS.ProcessEnv, say: Say) =>
  work(
    {
      title,
      command: 'docker',
      args: ['build', '--network', 'host', ...args],
      cwd: root,
      env: env as Record<string, string>,
    },
    say,
  );

const root = join(directory, '..', '..');

function fresh(name: string): string {
  const path = join(directory, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}
