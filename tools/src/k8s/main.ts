import { build } from './programs';
import { secrets } from './secrets';

const say = (line: string) => void process.stderr.write(`${line}\n`);

const usage = `Usage: npm run k8s -- build | secrets TRANSPORT
  build     compiles an API server and kubectl, with which the tests check the manifests
  secrets   prints Secrets with new passwords, for trying the manifests with the databases and brokers of k8s/components`;

/** `npm run k8s`: what the manifests in k8s/ need besides kubectl. */
async function main([verb, ...words]: readonly string[]): Promise<void> {
  if (verb === 'build' && words.length === 0) await build(say);
  else if (verb === 'secrets' && words.length === 1) process.stdout.write(secrets(words[0]!));
  else throw new Error(usage);
}

main(process.argv.slice(2)).catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
