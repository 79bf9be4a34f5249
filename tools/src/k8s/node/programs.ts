import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { madeOnce, type Say } from '@order-events/testing';
import { cache, compile, kubernetesGoMod, kubernetesVersion } from '../programs';

const coreDnsVersion = '1.14.3';
const directory = join(cache, `node-${kubernetesVersion}`);

const ofKubernetes = ['kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'] as const;

/** What makes a cluster of an API server. */
export type NodeProgram = (typeof ofKubernetes)[number] | 'coredns';

export const pathOf = (program: NodeProgram) => join(directory, program);

/** Compiles what a node runs. What is there already stays as it is. */
export async function build(say: Say): Promise<void> {
  await madeOnce(directory, async (cwd) => {
    writeFileSync(join(cwd, 'go.mod'), await kubernetesGoMod());
    await compile(Object.fromEntries(ofKubernetes.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`])), cwd, say);
    const dns = join(cwd, 'dns');
    mkdirSync(dns);
    const required = `require github.com/coredns/coredns v${coreDnsVersion}`;
    writeFileSync(join(dns, 'go.mod'), `module dns\n\ngo 1.25\n\n${required}\n`);
    writeFileSync(join(dns, 'main.go'), coreDns);
    await compile({ '../coredns': '.' }, dns, say);
  });
}

/** CoreDNS with those of its plug-ins that a cluster needs; the usual program has those of all clouds in it. */
const plugins = ['errors', 'ready', 'cache', 'loadbalance', 'kubernetes'];
const coreDns = `package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
${plugins.map((name) => `	_ "github.com/coredns/coredns/plugin/${name}"`).join('\n')}
)

func main() {
	dnsserver.Directives = []string{${plugins.map((name) => JSON.stringify(name)).join(', ')}}
	coremain.Run()
}
`;
