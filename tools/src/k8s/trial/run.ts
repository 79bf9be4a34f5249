import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Say } from '@order-events/testing';
import { findEngine } from '../../compose/engine';
import { build as buildNode } from '../node/programs';
import { withParent } from '../process';
import { build } from '../programs';
import { haveAllImages } from './images';
import { checkMachine } from './requirements';

/**
 * Runs the overlay `local` on a real node of Kubernetes, which is made for it.
 * @returns the exit code
 * @throws NoNode or NoEngine when this machine cannot do that, with the reason
 */
export async function run(say: Say): Promise<number> {
  await checkMachine();
  const engine = await findEngine(say);
  try {
    await build(say);
    await buildNode(say);
    await haveAllImages(engine, say);
    // Its network is another one; the files, and through them the engine, are the same.
    const words = [...withParent, 'unshare', '--net', process.execPath, join(__dirname, 'inside.js')];
    const [command, ...args] = words;
    const inside = spawn(command!, args, { stdio: 'inherit', env: engine.env });
    // It clears up and ends, and then so do we. A terminal has told it already.
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void inside.kill(signal));
    process.on('SIGINT', () => undefined);
    const [code, signal] = (await once(inside, 'exit')) as [number | null, NodeJS.Signals | null];
    if (signal) say(`The trial was ended by ${signal}.`);
    return code ?? 1;
  } finally {
    await engine.end();
  }
}
