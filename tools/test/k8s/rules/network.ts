import {
  labelsOf,
  type Manifest,
  ofKind,
  type Peer,
  type Selector,
  selects,
  titleOf,
  workloads,
} from '../../../src/k8s/manifests';
import type { Rule } from './rule';

const policies = (manifests: readonly Manifest[]) => ofKind(manifests, 'NetworkPolicy');

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: Selector) =>
  Object.keys(matchLabels).length + matchExpressions.length === 0;

/** Whether it means more than named pods or a named network. */
const isOpen = ({ podSelector, namespaceSelector, ipBlock }: Peer) =>
  ipBlock ? /\/0$/.test(ipBlock.cidr) : isEmpty(podSelector ?? {}) && isEmpty(namespaceSelector ?? {});

/** Who may call whom. */
export const network: readonly Rule[] = [
  {
    name: 'every pod is closed in both directions but for what a policy names',
    faults: (manifests) =>
      workloads(manifests).flatMap((workload) => {
        const labels = labelsOf(workload);
        const own = policies(manifests).filter(
          ({ spec }) => !isEmpty(spec!.podSelector!) && selects(spec!.podSelector!, labels),
        );
        return ['Ingress', 'Egress']
          .filter((direction) => !own.some(({ spec }) => spec!.policyTypes!.includes(direction)))
          .map((direction) => `${titleOf(workload)}: no policy for ${direction}`);
      }),
  },
  {
    name: 'egress goes to named peers at named ports',
    faults: (manifests) =>
      policies(manifests).flatMap((policy) =>
        (policy.spec!.egress ?? []).flatMap(({ to = [], ports = [] }) => [
          ...(to.length === 0 ? [`${titleOf(policy)}: egress to everybody`] : []),
          ...(to.some(isOpen) ? [`${titleOf(policy)}: egress to a peer that is everybody`] : []),
          ...(ports.length === 0 ? [`${titleOf(policy)}: egress to every port`] : []),
        ]),
      ),
  },
];
