import { type Labels, type Peer, type PodSpec, selects, type Selector } from '../manifests';

/** A pod as an API server describes it. */
export interface Pod {
  metadata: { name: string; namespace: string; labels?: Labels };
  spec: PodSpec;
  status: { phase?: string; podIP?: string };
}

export interface Namespace {
  metadata: { name: string; labels?: Labels };
}

export interface Policy {
  metadata: { name: string; namespace: string };
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: PolicyRule[]; egress?: PolicyRule[] };
}

interface PolicyRule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port?: number | string; protocol?: string; endPort?: number }[];
}

export interface Cluster {
  pods: readonly Pod[];
  namespaces: readonly Namespace[];
  policies: readonly Policy[];
}

type Addressed = Pod & { status: { podIP: string } };

/**
 * The NetworkPolicies of a cluster as a table of nftables: a connection passes when the policies of both its ends let it.
 * Answers pass, and so does what the node itself begins: probes.
 * @throws Error for a policy that names addresses or ranges of ports, which none of ours does
 */
export function policyTable({ pods, namespaces, policies }: Cluster): string {
  const addressed = pods.filter(
    (pod): pod is Addressed => !!pod.status.podIP && !['Succeeded', 'Failed'].includes(pod.status.phase ?? ''),
  );
  const labels = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const chains: string[] = [];
  const closed = (side: Side): string => {
    const jumps = addressed.flatMap((pod) => {
      const own = policies.filter(
        ({ metadata, spec }) =>
          metadata.namespace === pod.metadata.namespace &&
          spec.policyTypes.includes(side.type) &&
          selects(spec.podSelector, pod.metadata.labels ?? {}),
      );
      if (own.length === 0) return [];
      const chain = `${side.rules}_${pod.status.podIP.replaceAll('.', '_')}`;
      const passes = own.flatMap((policy) =>
        (policy.spec[side.rules] ?? []).flatMap((rule) => side.matches(rule, pod, policy, addressed, labels)),
      );
      chains.push(`chain ${chain} {`, ...passes.map((match) => `  ${match} return`), '  drop', '}');
      return [`${pod.status.podIP} : jump ${chain}`];
    });
    return jumps.length === 0 ? '' : `  ${side.pod} vmap { ${jumps.join(', ')} }`;
  };
  const [leaving, entering] = [closed(egress), closed(ingress)];
  return [
    'table ip policies',
    'delete table ip policies',
    'table ip policies {',
    ...chains,
    // Between pods, and from a pod to the node.
    ...base('forward', leaving, entering),
    ...base('input', leaving),
    '}',
    '',
  ].join('\n');
}

const base = (hook: string, ...closed: string[]) => [
  `chain ${hook} {`,
  `  type filter hook ${hook} priority -10; policy accept;`,
  '  ct state established,related accept',
  ...closed,
  '}',
];

/** One direction of traffic, seen from the pod that a policy closes. */
interface Side {
  type: 'Ingress' | 'Egress';
  rules: 'ingress' | 'egress';
  /** The pod's own address in a packet. */
  pod: string;
  /** What a packet is like that the rule lets pass. */
  matches(
    rule: PolicyRule,
    pod: Addressed,
    policy: Policy,
    pods: readonly Addressed[],
    labels: ReadonlyMap<string, Labels>,
  ): string[];
}

const ingress: Side = {
  type: 'Ingress',
  rules: 'ingress',
  pod: 'ip daddr',
  matches({ from, ports }, pod, policy, pods, labels) {
    const to = portsOf(pod, ports);
    if (!from?.length) return to;
    return peers(from, policy, pods, labels).flatMap(({ status }) =>
      to.map((port) => `ip saddr ${status.podIP} ${port}`),
    );
  },
};

const egress: Side = {
  type: 'Egress',
  rules: 'egress',
  pod: 'ip saddr',
  matches({ to, ports }, _, policy, pods, labels) {
    if (!to?.length) throw new Error(`${policy.metadata.name} lets pods call everybody.`);
    // A port's name is one of the pod that is called.
    return peers(to, policy, pods, labels).flatMap((peer) =>
      portsOf(peer, ports).map((port) => `ip daddr ${peer.status.podIP} ${port}`),
    );
  },
};

function peers(
  named: readonly Peer[],
  policy: Policy,
  pods: readonly Addressed[],
  labels: ReadonlyMap<string, Labels>,
): Addressed[] {
  return pods.filter(({ metadata }) =>
    named.some(({ podSelector = {}, namespaceSelector, ipBlock }) => {
      if (ipBlock) throw new Error(`${policy.metadata.name} names addresses, which are not known here.`);
      const near = namespaceSelector
        ? selects(namespaceSelector, labels.get(metadata.namespace) ?? {})
        : metadata.namespace === policy.metadata.namespace;
      return near && selects(podSelector, metadata.labels ?? {});
    }),
  );
}

function portsOf(pod: Pod, ports: PolicyRule['ports']): string[] {
  if (!ports?.length) return ['meta l4proto { tcp, udp }'];
  return ports.flatMap(({ port, protocol = 'TCP', endPort }) => {
    if (port === undefined || endPort !== undefined) throw new Error('A rule must name its ports one by one.');
    const declared = pod.spec.containers.flatMap(({ ports: own = [] }) => own);
    const number = typeof port === 'number' ? port : declared.find(({ name }) => name === port)?.containerPort;
    return number === undefined ? [] : [`${protocol.toLowerCase()} dport ${number}`];
  });
}
