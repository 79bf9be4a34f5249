import { setTimeout as sleep } from 'node:timers/promises';
import type { Node } from '../node/node';
import { namespace } from '../overlay';
import type { Deployed } from './deployed';
import type { Broker } from './brokers';
import { version } from './images';

const elsewhere = 'elsewhere';
const operators = {
  'order-api': 3001,
  'inventory-service': 3011,
  'payment-service': 3021,
  'logistics-service': 3031,
  'email-service': 3041,
};

/** What can be reached at a port of a pod, by the name of the pod's workload. */
const portsWith = (broker?: Broker): Record<string, Record<string, number>> => ({
  ...Object.fromEntries(Object.entries(operators).map(([app, port]) => [app, { [`operator of ${app}`]: port }])),
  'order-api': { 'operator of order-api': operators['order-api'], door: 3000 },
  postgres: { database: 5432 },
  sandbox: { 'gateway and carrier': 3900, mail: 1025 },
  ...broker?.ports,
});

/** What there is beside pods. */
const others = { dns: '10.96.0.10:53', 'API server': '10.96.0.1:443', kubelet: '10.245.0.1:10250' };

const outside = ['API server', 'door', 'dns', 'kubelet'];
/** Who is to reach what. The last two are in another namespace, which is open. */
function expectedWith(broker?: Broker): Record<string, readonly string[]> {
  const service = ['database', 'dns', ...(broker?.open ?? [])];
  return {
    'order-api': service,
    'inventory-service': service,
    'payment-service': [...service, 'gateway and carrier'],
    'logistics-service': [...service, 'gateway and carrier'],
    'email-service': [...service, 'mail'],
    sandbox: ['database', 'dns'],
    postgres: [],
    ...broker?.reaches,
    stranger: outside,
    operator: [...outside, 'gateway and carrier', ...Object.keys(operators).map((app) => `operator of ${app}`)],
  };
}

const patienceMs = 60_000;

/** Tries every way between pods, and those out of them. Rejects with those that are open or closed and should not be. */
export async function reach(node: Node, deployed: Deployed): Promise<void> {
  await node.kubectl('create', 'namespace', elsewhere);
  await node.kubectlWith(
    [idle('stranger', {}), idle('operator', { 'order-events/operator': 'true' })].join('\n---\n'),
    'apply',
    '--filename=-',
  );
  await node.kubectl('-n', elsewhere, 'wait', '--for=condition=Ready', 'pod', '--all', '--timeout=5m');

  const targets = await addresses(deployed);
  const expected = Object.entries(expectedWith(deployed.broker));
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const wrong = (
      await Promise.all(expected.map(([from, names]) => misled(from, names, node, deployed, targets)))
    ).flat();
    if (wrong.length === 0) break;
    // A policy holds a moment after the pod that it names has got its address.
    if (performance.now() > deadline) throw new Error(wrong.join('\n'));
    await sleep(1_000);
  }
  await node.kubectl('delete', 'namespace', elsewhere, '--wait=false');
}

/** How what a pod reaches differs from what it should; nothing where it does not. */
async function misled(
  from: string,
  expected: readonly string[],
  node: Node,
  deployed: Deployed,
  targets: readonly Target[],
): Promise<string[]> {
  const names = (list: readonly string[]) => list.toSorted().join(', ') || 'nothing';
  const found = names(await reached(node, await execIn(from, deployed), targets, from));
  const wanted = names(expected);
  return found === wanted ? [] : [`${from} reaches ${found}; it should reach ${wanted}`];
}

/** The words of kubectl that run a program in a pod. */
async function execIn(name: string, deployed: Deployed): Promise<string[]> {
  const [pod] = await deployed.pods(name);
  return ['-n', pod ? namespace : elsewhere, 'exec', pod ?? name, '--'];
}

interface Target {
  what: string;
  address: string;
  app?: string;
}

async function addresses(deployed: Deployed): Promise<Target[]> {
  const targets: Target[] = Object.entries(others).map(([what, address]) => ({ what, address }));
  for (const [app, named] of Object.entries(portsWith(deployed.broker))) {
    const [pod] = await deployed.pods(app);
    const address = await deployed.kubectl('get', 'pod', pod!, '--output=jsonpath={.status.podIP}');
    for (const [what, port] of Object.entries(named)) targets.push({ what, address: `${address}:${port}`, app });
  }
  return targets;
}

/** Asks from within the pod; nobody needs a policy to reach itself. */
async function reached(
  node: Node,
  exec: readonly string[],
  targets: readonly Target[],
  from: string,
): Promise<string[]> {
  const tried = targets.filter(({ app }) => app !== from);
  const open = await node.kubectl(...exec, 'sh', '-c', connectAll, 'sh', ...tried.map(({ address }) => address));
  const lines = open.split('\n');
  return tried.filter(({ address }) => lines.includes(address)).map(({ what }) => what);
}

/** Prints those of its arguments that take a connection, by what there is in an image of Debian or of Alpine. */
const connectAll = `
connect() {
  if command -v bash; then timeout 3 bash -c "</dev/tcp/$1/$2"; else nc -z -w 3 "$1" "$2"; fi >/dev/null 2>&1
}
for address in "$@"; do connect "\${address%:*}" "\${address#*:}" && echo "$address" & done
wait`;

/** A pod that does nothing by itself. */
const idle = (name: string, labels: Record<string, string>) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: elsewhere, labels },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'idle', image: `order-events/sandbox:${version}`, command: ['sleep', 'infinity'] }],
    },
  });
