import { settings } from '@order-events/service-kit';
import { PARTITIONS } from '../../../../libs/transports/kafka/src/topology';
import {
  containersOf,
  labelsOf,
  type Labels,
  type Manifest,
  ofKind,
  selects,
  services,
  titleOf,
  type Workload,
  workloads,
} from '../../../src/k8s/manifests';
import { ofContainers, type Rule } from './rule';

const known = new Set([...Object.keys(settings), 'NODE_OPTIONS']);
const runsOurs = (image: string) => image.startsWith('order-events/');

const portsOf = (workload: Workload) =>
  containersOf(workload).flatMap(({ ports = [] }) => ports.map(({ name }) => name));

/** The workloads whose pods a selector means. */
const meant = (manifests: readonly Manifest[], labels: Labels) =>
  workloads(manifests).filter((workload) => selects({ matchLabels: labels }, labelsOf(workload)));

/** Whether the parts of a service fit together. */
export const whole: readonly Rule[] = [
  {
    name: 'a service has an account, a Service and a budget of its own',
    faults: (manifests) =>
      services(manifests).flatMap((service) => {
        const { name } = service.metadata;
        const budgets = ofKind(manifests, 'PodDisruptionBudget').filter(({ spec }) =>
          selects(spec!.selector!, labelsOf(service)),
        );
        const account = service.spec.template.spec.serviceAccountName;
        return [
          ...(ofKind(manifests, 'ServiceAccount').some(({ metadata }) => metadata.name === account && account === name)
            ? []
            : [`${titleOf(service)}: has no account of its own`]),
          ...(ofKind(manifests, 'Service').some(({ metadata }) => metadata.name === name)
            ? []
            : [`${titleOf(service)}: has no Service`]),
          ...(budgets.length === 1 ? [] : [`${titleOf(service)}: has ${budgets.length} budgets`]),
        ];
      }),
  },
  {
    name: 'a budget lets a drain go on',
    faults: (manifests) =>
      ofKind(manifests, 'PodDisruptionBudget')
        .filter(({ spec }) => spec!.minAvailable !== undefined || !spec!.maxUnavailable)
        .map((budget) => `${titleOf(budget)}: must say maxUnavailable, at least 1, and nothing else`),
  },
  {
    name: 'a Service finds the pods of one workload, at ports that they have',
    faults: (manifests) =>
      ofKind(manifests, 'Service').flatMap((service) => {
        const found = meant(manifests, service.spec!.selector ?? {});
        if (found.length !== 1) return [`${titleOf(service)}: means the pods of ${found.length} workloads`];
        const there = portsOf(found[0]!);
        return service
          .spec!.ports!.map(({ name, targetPort = name }) => targetPort)
          .filter((port) => !there.includes(port as string))
          .map((port) => `${titleOf(service)}: ${titleOf(found[0]!)} has no port ${port}`);
      }),
  },
  {
    name: 'one decides the number of replicas, and it is more than one',
    faults: (manifests) =>
      services(manifests).flatMap((service) => {
        const { replicas } = service.spec;
        const scalers = ofKind(manifests, 'HorizontalPodAutoscaler', 'ScaledObject').filter(
          ({ spec }) => spec!.scaleTargetRef!.name === service.metadata.name,
        );
        const least = [replicas, ...scalers.map(({ spec }) => spec!.minReplicas ?? spec!.minReplicaCount)].filter(
          (count) => count !== undefined,
        );
        if (least.length !== 1) return [`${titleOf(service)}: ${least.length} decide the number of its replicas`];
        return least[0]! > 1 ? [] : [`${titleOf(service)}: may be alone`];
      }),
  },
  {
    name: 'no consumer gets more replicas than Kafka has partitions',
    faults: (manifests) =>
      ofKind(manifests, 'ScaledObject')
        .filter(({ spec }) => !(spec!.maxReplicaCount! <= PARTITIONS))
        .map(
          (scaled) =>
            `${titleOf(scaled)}: up to ${scaled.spec!.maxReplicaCount} replicas, for ${PARTITIONS} partitions`,
        ),
  },
  {
    name: 'our programs find only variables that they know',
    faults: ofContainers(({ image, env = [] }) =>
      runsOurs(image) ? env.filter(({ name }) => !known.has(name)).map(({ name }) => `${name} is not a setting`) : [],
    ),
  },
];
