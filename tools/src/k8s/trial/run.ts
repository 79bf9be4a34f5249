import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Say } from '@order-events/testing';
import { findEngine } from '../../compose/engine';
import { removeControlGroup } from '../node/enclosure';
import { build as buildNode } from '../node/programs';
import { withParent } from '../process';
import { build, cache } from '../programs';
import { haveAllImages } from './images';
import { checkMachine } from './requirements';

/**
 * Runs all services on a real node of Kubernetes, which is made for it, on that transport. Whatever happens, nothing goes on running, and
 * no more is left than programs and images for the next time.
 * @returns the exit code
 * @throws NoNode or NoEngine when this machine cannot do that, with the reason
 */
export async function run(transport: string, say: Say): Promise<number> {
  await checkMachine();
  const engine = await findEngine(say);
  let inside: ChildProcess | undefined;
  // Told by a signal, the trial ends what it runs; without an engine, no image is built any more.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void (inside ? inside.kill(signal) : engine.end()));
  try {
    await build(say);
    await buildNode(say);
    await haveAllImages(transport, engine, say);
    const directory = mkdtempSync(join(cache, 'order-events-trial-'));
    try {
      // Its network is another one; the files, and through them the engine, are the same.
      const program = [process.execPath, join(__dirname, 'inside.js'), directory, transport];
      const [command, ...args] = [...withParent, 'unshare', '--net', ...program];
      inside = spawn(command!, args, { stdio: 'inherit', env: engine.env });
      const [code, signal] = (await once(inside, 'exit')) as [number | null, NodeJS.Signals | null];
      if (signal) say(`The trial was ended by ${signal}.`);
      return code ?? 1;
    } finally {
      await removeControlGroup(basename(directory));
      rmSync(directory, { recursive: true });
    }
  } finally {
    await engine.end();
  }
}
