import { constants } from 'node:os';
import { basename } from 'node:path';
import { Node } from '../node/node';
import { Deployed } from './deployed';
import { imagesOfTrial, load } from './images';
import { tryOut } from './trial';

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** The trial itself, in a network of its own. @param directory empty, and its name is the control group's, too */
async function main(directory: string, transport: string): Promise<void> {
  const node = new Node(directory, basename(directory));
  let received: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (received) return;
      received = signal;
      void node.stop().then(() => process.exit(128 + constants.signals[signal]));
    });

  const deployed = new Deployed(node, directory, transport);
  const started = performance.now();
  try {
    await node.start(load);
    await load(node.ctr, imagesOfTrial(transport));
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
  if (!received) await node.stop();
}

void main(process.argv[2]!, process.argv[3]!).then(() => process.exit());
