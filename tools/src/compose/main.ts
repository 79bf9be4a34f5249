import { constants } from 'node:os';
import { brokerNames } from '@order-events/testing';
import { findCompose, read } from './compose';
import { type Engine, findEngine, NoEngine } from './engine';
import { buildApp, haveImages } from './images';
import { violations } from './rules';
import { Stack } from './stack';
import { tryOut } from './trial';

/** Redis is not part of docker-compose.yml. */
const transports: readonly string[] = [...brokerNames.filter((name) => name !== 'redis'), 'postgres'];
const say = (line: string) => void process.stdout.write(`${line}\n`);

/**
 * `npm run compose:test`: runs the stack of docker-compose.yml for real on the transports that are named, on Kafka when none
 * is. Exit code 1 when something is wrong, 2 when there is no Docker engine and nothing was tried.
 */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !transports.includes(name));
  if (unknown.length > 0) throw new Error(`Usage: npm run compose:test -- [${transports.join('|')}] …`);
  const engine = await findEngine(say);
  let current: Stack | undefined;
  // Told by a signal, the trial takes away what it runs.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      say(`ending by ${signal} …`);
      const down = current ? current.down('--volumes') : Promise.resolve();
      void down.finally(() => engine.end()).finally(() => process.exit(128 + constants.signals[signal]));
    });
  try {
    const compose = await findCompose(say);
    const broken = violations(await read(compose, engine.env, '--profile', '*'));
    if (broken.length > 0) throw new Error(`docker-compose.yml breaks rules:\n${broken.join('\n')}`);
    for (const transport of names.length > 0 ? names : ['kafka']) {
      current = await Stack.of(transport, compose, engine.env);
      await tryOn(current, transport, engine);
    }
  } finally {
    await engine.end();
  }
}

async function tryOn(stack: Stack, transport: string, engine: Engine): Promise<void> {
  const tell = (line: string) => say(`${transport}: ${line}`);
  await haveImages(['debian:bookworm-slim', 'node:24-bookworm-slim', ...stack.foreignImages], engine, tell);
  for (const [image, app] of stack.apps) {
    await buildApp(app, image, engine.env, tell);
    tell(`${image}: ${await stack.imageSize(image)} MB`);
  }
  await stack.down('--volumes');
  try {
    await tryOut(stack, tell);
  } catch (error) {
    process.stderr.write(`${await stack.logs()}\n`);
    throw error;
  } finally {
    await stack.down('--volumes');
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  const nothing = error instanceof NoEngine;
  if (nothing) process.stderr.write('\nNOT RUN: docker-compose.yml was not tried at all.\n');
  process.stderr.write(`${error.message}\n`);
  process.exitCode = nothing ? 2 : 1;
});
