import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory, madeOnce, type Say, versionOf, work } from '@order-events/testing';

const run = promisify(execFile);

export const kubernetesVersion = '1.35.4';

/** Where programs are kept: what it takes to compile them would not be worth doing twice. */
export const cache = join(dirname(cacheDirectory), 'k8s');
const directory = join(cache, `control-${kubernetesVersion}`);

/** By the names of their files. */
export type Program = keyof typeof packages;
const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
} as const;

/** What teaches an API server KEDA's objects. */
const keda = {
  module: 'github.com/kedacore/keda/v2',
  version: 'v2.18.1',
  file: 'config/crd/bases/keda.sh_scaledobjects.yaml',
};
export const kedaDefinitions = join(directory, 'keda.yaml');

export const pathOf = (program: Program) => join(directory, program);

/** Why there is no API server to ask on this machine, and what to do about it; undefined when there is one. */
export function missing(): string | undefined {
  if (existsSync(directory)) return undefined;
  const build = 'npm run k8s -- build compiles it, once, in six minutes of two processors';
  return versionOf('go', 'version') === undefined
    ? `Kubernetes ${kubernetesVersion} is not here, and no Go to compile it with (no go on PATH). With Go, ${build}.`
    : `Kubernetes ${kubernetesVersion} is not here. ${build}.`;
}

/** Compiles what checks manifests: an API server, its database, and kubectl. What is there already stays as it is. */
export async function build(say: Say): Promise<void> {
  await madeOnce(directory, async (cwd) => {
    writeFileSync(join(cwd, 'go.mod'), await kubernetesGoMod());
    await compile(packages, cwd, say);
    const { Dir: source } = await fetched(keda.module, keda.version);
    copyFileSync(join(source, keda.file), join(cwd, basename(kedaDefinitions)));
  });
}

/** Compiles Go packages, by the names that their programs get, in the folder of a module that requires them. */
export async function compile(packages: Readonly<Record<string, string>>, cwd: string, say: Say): Promise<void> {
  for (const [program, source] of Object.entries(packages)) {
    const args = ['build', '-mod=mod', '-trimpath', '-ldflags', `-s -w ${versionFlags()}`, '-o', program, source];
    await work({ title: `Compiling ${program}`, command: 'go', args, cwd, env: { CGO_ENABLED: '0' } }, say);
  }
}

/**
 * Kubernetes builds its libraries from folders of its own tree, which `go build` finds in no module. They are published,
 * too, as v0 where it is v1: a module of our own puts these in their place.
 */
export async function kubernetesGoMod(): Promise<string> {
  const { GoMod: theirs } = await fetched('k8s.io/kubernetes', `v${kubernetesVersion}`);
  return ourGoMod(readFileSync(theirs, 'utf8'));
}

/** A Go module, and where it is now: its files, and what it is built with. */
async function fetched(module: string, version: string): Promise<{ Dir: string; GoMod: string }> {
  const { stdout } = await run('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: tmpdir() });
  return JSON.parse(stdout) as { Dir: string; GoMod: string };
}

/** @param theirs the go.mod that Kubernetes is published with */
export function ourGoMod(theirs: string): string {
  const published = kubernetesVersion.replace(/^1/, '0');
  const kept = theirs.split('\n').filter((line) => /^(go|godebug) /.test(line));
  const staged = [...theirs.matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map(([, library]) => library!);
  return [
    'module local',
    ...kept,
    `require k8s.io/kubernetes v${kubernetesVersion}`,
    ...staged.map((library) => `replace ${library} => ${library} v${published}`),
    '',
  ].join('\n');
}

/** Without these each program takes itself for v0.0.0, and the API server for older than what it is asked for. */
function versionFlags(): string {
  const [major, minor] = kubernetesVersion.split('.');
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .map(
      (path) => `-X ${path}.gitVersion=v${kubernetesVersion} -X ${path}.gitMajor=${major} -X ${path}.gitMinor=${minor}`,
    )
    .join(' ');
}
