import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Node } from '../node/node';
import { cache } from '../programs';
import { Deployed } from './deployed';
import { imagesOfTrial, load } from './images';
import { tryOut } from './trial';

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** The trial itself, in a network of its own. Whatever happens, nothing of the node is left. */
async function main(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'trial-'));
  const node = new Node(directory);
  let received: NodeJS.Signals | undefined;
  const clearUp = async () => {
    await node.stop();
    rmSync(directory, { recursive: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (received) return;
      received = signal;
      void clearUp().then(() => process.exit(128 + constants.signals[signal]));
    });

  const deployed = new Deployed(node, directory);
  const started = performance.now();
  try {
    await node.start(load);
    await load(node.ctr, imagesOfTrial);
    say(`a node of Kubernetes is ready, with its images (${((performance.now() - started) / 1_000).toFixed(1)} s)`);
    await tryOut(node, deployed, say);
    say('all of it holds');
  } catch (error) {
    // What it was about to do has been cut off.
    if (received) return;
    process.exitCode = 1;
    process.stderr.write(`${(error as Error).message}\n`);
    await deployed.state().then(
      (state) => process.stderr.write(`\n${state}\n`),
      () => process.stderr.write('\nThe cluster cannot be asked what it looks like.\n'),
    );
  }
  if (!received) await clearUp();
}

void main().then(() => process.exit());
