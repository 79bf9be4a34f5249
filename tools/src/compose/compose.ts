import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, type Say, versionOf, work } from '@order-events/testing';
import { output, succeeds } from './command';
import type { Services } from './rules';

const version = '2.40.3';

/** Compose's own go.mod excludes these two, which a module that requires it must repeat. */
const goMod = `module compose

go 1.24.9

require github.com/docker/compose/v2 v${version}

exclude (
	github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc
	github.com/pmezard/go-difflib v1.0.1-0.20181226105442-5d4384ee4fb2
)
`;

/** The words that begin a command of Docker Compose. */
export type Compose = readonly [string, ...string[]];

/** That of the installed one, else of one that is compiled. */
export async function findCompose(say: Say): Promise<Compose> {
  if (await succeeds('docker', ['compose', 'version'])) return ['docker', 'compose'];
  if (versionOf('go', 'version') === undefined)
    throw new Error('Neither Docker Compose was found (docker compose version), nor Go, with which it is compiled.');
  const programs = await cached(`compose-${version}`, (directory) => {
    writeFileSync(join(directory, 'go.mod'), goMod);
    const flags = `-s -w -X github.com/docker/compose/v2/internal.Version=v${version}`;
    const args = ['build', '-mod=mod', '-o', 'docker-compose', '-ldflags', flags, 'github.com/docker/compose/v2/cmd'];
    return work({ title: `Compiling Docker Compose ${version}`, command: 'go', args, cwd: directory }, say);
  });
  return [join(programs, 'docker-compose')];
}

/** The services of our file as Compose reads it. @param words that choose profiles */
export async function read(compose: Compose, env: NodeJS.ProcessEnv, ...words: string[]): Promise<Services> {
  const [command, ...first] = compose;
  const config = await output(command, [...first, ...words, 'config', '--format', 'json'], env);
  return (JSON.parse(config) as { services: Services }).services;
}
