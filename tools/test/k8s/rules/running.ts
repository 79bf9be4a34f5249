import { CHECK_MS, STOP_MS } from '@order-events/service-kit';
import {
  type Container,
  type Manifest,
  ofKind,
  type Probe,
  services,
  titleOf,
  type Workload,
  workloads,
} from '../../../src/k8s/manifests';
import { ofContainers, type Rule, told } from './rule';

const ofServices =
  (check: (workload: Workload, container: Container) => (string | false | undefined)[]) =>
  (manifests: readonly Manifest[]): string[] =>
    services(manifests).flatMap((service) =>
      told(titleOf(service), check(service, service.spec.template.spec.containers[0]!)),
    );

const patienceS = ({ periodSeconds = 10, failureThreshold = 3 }: Probe) => periodSeconds * failureThreshold;

/** How a service starts, lives, and ends. */
export const running: readonly Rule[] = [
  {
    name: 'whatever goes on running is asked whether it has started, works and lives',
    faults: (manifests) =>
      workloads(manifests)
        .filter(({ kind }) => kind !== 'Job')
        .flatMap((workload) =>
          workload.spec.template.spec.containers.flatMap((container) =>
            (['startupProbe', 'readinessProbe', 'livenessProbe'] as const)
              .filter((probe) => !container[probe])
              .map((probe) => `${titleOf(workload)}: ${container.name} has no ${probe}`),
          ),
        ),
  },
  {
    name: 'of a service, readiness asks whether it can work, and only its own death restarts it',
    faults: ofServices((_, { startupProbe, readinessProbe, livenessProbe }) => {
      const patienceOf = (probe?: Probe) => (probe ? patienceS(probe) : 0);
      return [
        readinessProbe?.httpGet?.path !== '/readyz' && 'readiness does not ask /readyz',
        (readinessProbe?.timeoutSeconds ?? 1) * 1_000 <= CHECK_MS && 'readiness gives up before a check is given up',
        livenessProbe?.httpGet?.path !== '/healthz' && 'liveness does not ask /healthz, which says nothing of others',
        patienceOf(livenessProbe) < 30 && 'liveness has no patience',
        startupProbe?.httpGet?.path !== '/healthz' && 'startup does not ask /healthz',
        patienceOf(startupProbe) < 60 && 'startup has no patience',
      ];
    }),
  },
  {
    name: 'a service has the time that it takes to stop',
    faults: ofServices(({ spec: { template } }, { lifecycle }) => {
      const granted = template.spec.terminationGracePeriodSeconds ?? 30;
      const needed = STOP_MS / 1_000 + (lifecycle?.preStop?.sleep?.seconds ?? 0);
      return [granted <= needed && `is killed after ${granted} s, and may need ${needed} s`];
    }),
  },
  {
    name: 'who serves customers goes on for a while after it has left the Service',
    faults: ofServices((_, { ports = [], lifecycle }) => [
      ports.some(({ name }) => name === 'http') && !lifecycle?.preStop?.sleep && 'stops at once',
    ]),
  },
  {
    name: 'a rolling update takes nothing away before what replaces it works',
    faults: ofServices(({ spec: { strategy } }) => [
      strategy?.rollingUpdate?.maxUnavailable !== 0 && 'maxUnavailable is not 0',
    ]),
  },
  {
    name: 'a service waits for the setup of its own version',
    faults: (manifests) =>
      ofServices((service, { image }) => {
        const waits = service.spec.template.spec.initContainers?.some(
          (init) => init.image === image && init.command?.join(' ') === 'node dist/setup.js --wait',
        );
        const isSetUp = ofKind(manifests, 'Job').some((job) => {
          const [setup] = job.spec!.template!.spec.containers;
          return setup!.image === image && setup!.command?.join(' ') === 'node dist/setup.js';
        });
        return [!waits && 'does not wait', !isSetUp && `no Job of ${image} sets it up`];
      })(manifests),
  },
  {
    name: 'requests and limits are set, and a heap fits into its limit',
    faults: ofContainers(({ resources, env = [] }) => {
      const heapMi = /--max-old-space-size=(\d+)/.exec(
        env.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '',
      )?.[1];
      const memory = resources?.limits?.memory;
      return [
        !resources?.requests?.cpu && 'requests no cpu',
        !resources?.requests?.memory && 'requests no memory',
        !memory && 'has no limit of memory',
        heapMi !== undefined &&
          Number(heapMi) > 0.8 * megabytes(memory) &&
          `its heap may grow to ${heapMi} MiB of ${memory}`,
      ];
    }),
  },
  {
    name: 'replicas of a service are spread over nodes and zones',
    faults: ofServices(({ spec: { template } }) => {
      const keys = template.spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey) ?? [];
      return ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
        (key) => !keys.includes(key) && `is not spread over ${key}`,
      );
    }),
  },
];

function megabytes(quantity = '0'): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  return Number(number) * (unit === 'Gi' ? 1024 : 1);
}
