import { NoEngine } from '../compose/engine';
import { build } from './programs';
import { secrets } from './secrets';
import { brokers, transports } from './trial/brokers';
import { NoNode } from './trial/requirements';
import { run } from './trial/run';

const say = (line: string) => void process.stderr.write(`${line}\n`);

const usage = `Usage: npm run k8s -- build | secrets TRANSPORT | test [TRANSPORT]
  build     compiles an API server and kubectl, with which the tests check the manifests
  secrets   prints Secrets with new passwords, for trying the manifests with the databases and brokers of k8s/components
  test      runs all services on a real node, which it makes for itself, also as npm run k8s:test: on Postgres, or on the broker
            that is named (${Object.keys(brokers).join(', ')}); exit code 1 when something is wrong, 2 when no node can be made here and
            nothing was tried`;

/** `npm run k8s`: what the manifests in k8s/ need besides kubectl. */
async function main([verb, ...words]: readonly string[]): Promise<void> {
  if (verb === 'build' && words.length === 0) await build(say);
  else if (verb === 'secrets' && words.length === 1) process.stdout.write(secrets(words[0]!));
  else if (verb === 'test' && words.length <= 1 && transports.includes(words[0] ?? 'postgres'))
    process.exitCode = await run(words[0] ?? 'postgres', (line) => process.stdout.write(`${line}\n`));
  else throw new Error(usage);
}

main(process.argv.slice(2)).catch((error: Error) => {
  const nothing = error instanceof NoNode || error instanceof NoEngine;
  if (nothing) say('\nNOT RUN: the manifests were not tried on a node of Kubernetes.');
  say(error.message);
  process.exitCode = nothing ? 2 : 1;
});
