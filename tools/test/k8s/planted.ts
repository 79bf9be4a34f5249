import type { Container, Manifest, Peer, PodSpec, Spec } from '../../src/k8s/manifests';

/** A mistake, and the name of the rule that must find it. */
export interface Planted {
  rule: string;
  mistake: string;
  /** What it is planted in; overlays/local, if it does not say. */
  broker?: string;
  plant(system: System): void;
}

/** All that is deployed, with the inventory service at hand. */
export interface System {
  manifests: Manifest[];
  find(kind: string, name: string): Manifest & { spec: Spec };
  pod: PodSpec;
  container: Container;
}

/** @param manifests are changed */
export function systemOf(manifests: Manifest[]): System {
  const find = (kind: string, name: string) => {
    const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
    if (!found?.spec) throw new Error(`There is no ${kind}/${name}.`);
    return found as Manifest & { spec: Spec };
  };
  const pod = find('Deployment', 'inventory-service').spec.template!.spec;
  return { manifests, find, pod, container: pod.containers[0]! };
}

const by = (rule: string, mistakes: Record<string, Planted['plant']>, broker?: string): Planted[] =>
  Object.entries(mistakes).map(([mistake, plant]) => ({ rule, mistake, broker, plant }));

const egress = ({ find }: System) => find('NetworkPolicy', 'inventory-service').spec.egress!;
const openTo = (peer: Peer) => (system: System) => void egress(system)[1]!.to!.push(peer);

const server = (name: string, { find }: System) => find('StatefulSet', name).spec.template!.spec.containers[0]!;
const durable = 'what databases and brokers answer for is on a volume, and is on it when they answer';

/** In a file of the ConfigMap that begins with the name; kustomize puts a hash behind it. */
const instead =
  (name: string, right: string, wrong: string): Planted['plant'] =>
  ({ manifests }) => {
    const map = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith(`${name}-`))!;
    const before = JSON.stringify(map.data);
    map.data = JSON.parse(before.replace(right, wrong)) as Record<string, string>;
    if (JSON.stringify(map.data) === before) throw new Error(`${name} does not say ${right}.`);
  };

const drop = (word: string, container: Container) =>
  void (container.args = container.args!.filter((one) => one !== word));

const withoutClaim =
  (name: string): Planted['plant'] =>
  ({ find }) => {
    const { spec } = find('StatefulSet', name);
    delete spec.volumeClaimTemplates;
    spec.template!.spec.volumes = [...(spec.template!.spec.volumes ?? []), { name: 'data', emptyDir: {} }];
  };

export const planted: readonly Planted[] = [
  ...by('nobody is root', {
    'root is allowed': ({ pod }) => void delete pod.securityContext!.runAsNonRoot,
    'the user is root': ({ pod }) => void (pod.securityContext!.runAsUser = 0),
    "a container's user is root": ({ container }) => void (container.securityContext!.runAsUser = 0),
  }),
  ...by('system calls are filtered', {
    'no seccomp profile': ({ pod }) => void delete pod.securityContext!.seccompProfile,
    'an unconfined one': ({ pod }) => void (pod.securityContext!.seccompProfile!.type = 'Unconfined'),
  }),
  ...by('no container can gain rights or write to its root', {
    'escalation is allowed': ({ container }) => void delete container.securityContext!.allowPrivilegeEscalation,
    privileged: ({ container }) => void (container.securityContext!.privileged = true),
    'a root that can be written to': ({ container }) => void delete container.securityContext!.readOnlyRootFilesystem,
    'capabilities are kept': ({ container }) => void delete container.securityContext!.capabilities,
    'a capability is added': ({ container }) => void (container.securityContext!.capabilities!.add = ['NET_RAW']),
    'the container that waits is not confined': ({ pod }) => void delete pod.initContainers![0]!.securityContext,
  }),
  ...by('nothing of the node is shared', {
    'its network': ({ pod }) => void (pod.hostNetwork = true),
    'a folder': ({ pod }) => void (pod.volumes = [{ name: 'root', hostPath: { path: '/' } }]),
    'a port': ({ container }) => void (container.ports![0]!.hostPort = 3011),
  }),
  ...by('no pod gets a token for the API server, nor a right there', {
    'a pod gets one': ({ pod }) => void delete pod.automountServiceAccountToken,
    'an account gives one': ({ manifests }) =>
      void delete manifests.find(({ kind }) => kind === 'ServiceAccount')!.automountServiceAccountToken,
    'a right': ({ manifests }) =>
      void manifests.push({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'x' } }),
  }),
  ...by("no Service's name becomes a variable", {
    'the default': ({ pod }) => void delete pod.enableServiceLinks,
  }),
  ...by('images are of a version', {
    'no tag': ({ container }) => void (container.image = 'order-events/inventory-service'),
    'no tag, at a registry with a port': ({ container }) => void (container.image = 'host:5000/inventory-service'),
    latest: ({ container }) => void (container.image = 'order-events/inventory-service:latest'),
  }),
  ...by('secrets come by reference only', {
    'an operator token': ({ container }) => void container.env!.push({ name: 'OPERATOR_TOKEN', value: 'abc' }),
    'a password of another program': ({ container }) => void container.env!.push({ name: 'PGPASSWORD', value: 'abc' }),
    'an address with a password': ({ container }) => void (container.args = ['postgres://me:abc@host/db']),
    'a committed Secret': ({ manifests }) =>
      void manifests.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, stringData: { url: 'abc' } }),
  }),
  ...by('every pod is closed in both directions but for what a policy names', {
    'no policy': ({ find }) =>
      void (find('NetworkPolicy', 'inventory-service').spec.podSelector = { matchLabels: { no: 'pod' } }),
    'one direction only': ({ find }) =>
      void (find('NetworkPolicy', 'inventory-service').spec.policyTypes = ['Ingress']),
  }),
  ...by('egress goes to named peers at named ports', {
    'open egress': (system) => void egress(system).push({}),
    'the whole internet': openTo({ ipBlock: { cidr: '0.0.0.0/0' } }),
    'every pod of every namespace': openTo({ namespaceSelector: {} }),
    'every pod of its own namespace': openTo({ podSelector: {} }),
    'every port': (system) => void delete egress(system)[1]!.ports,
  }),
  ...by('whatever goes on running is asked whether it has started, works and lives', {
    'no startup probe': ({ container }) => void delete container.startupProbe,
    'no readiness probe': ({ container }) => void delete container.readinessProbe,
    'no liveness probe': ({ container }) => void delete container.livenessProbe,
    'none on a database': ({ find }) =>
      void delete find('StatefulSet', 'postgres').spec.template!.spec.containers[0]!.livenessProbe,
  }),
  ...by('of a service, readiness asks whether it can work, and only its own death restarts it', {
    'readiness asks whether it lives': ({ container }) => void (container.readinessProbe!.httpGet!.path = '/healthz'),
    'liveness asks whether others work': ({ container }) => void (container.livenessProbe!.httpGet!.path = '/readyz'),
    'startup asks whether others work': ({ container }) => void (container.startupProbe!.httpGet!.path = '/readyz'),
    'readiness gives up first': ({ container }) => void (container.readinessProbe!.timeoutSeconds = 2),
    'a pause kills it': ({ container }) => void (container.livenessProbe!.failureThreshold = 2),
    'a slow start kills it': ({ container }) => void (container.startupProbe!.failureThreshold = 3),
  }),
  ...by('a service has the time that it takes to stop', {
    'too short': ({ pod }) => void (pod.terminationGracePeriodSeconds = 20),
    'too short for the pause before': ({ find }) =>
      void (find('Deployment', 'order-api').spec.template!.spec.terminationGracePeriodSeconds = 25),
  }),
  ...by('who serves customers goes on for a while after it has left the Service', {
    'stops at once': ({ find }) =>
      void delete find('Deployment', 'order-api').spec.template!.spec.containers[0]!.lifecycle,
  }),
  ...by('a rolling update takes nothing away before what replaces it works', {
    'one less': ({ find }) =>
      void (find('Deployment', 'inventory-service').spec.strategy!.rollingUpdate!.maxUnavailable = 1),
    'the default, a quarter': ({ find }) => void delete find('Deployment', 'inventory-service').spec.strategy,
  }),
  ...by('a service waits for the setup of its own version', {
    'waits for nothing': ({ pod }) => void delete pod.initContainers,
    'waits for another version': ({ pod }) =>
      void (pod.initContainers![0]!.image = 'order-events/inventory-service:0.0.1'),
    'nobody sets it up': ({ manifests, find }) =>
      void manifests.splice(manifests.indexOf(find('Job', 'inventory-service-setup')), 1),
  }),
  ...by('requests and limits are set, and a heap fits into its limit', {
    'no requests': ({ container }) => void delete container.resources!.requests,
    'no limit of memory': ({ container }) => void delete container.resources!.limits,
    'a heap as large as the limit': ({ container }) => void (container.resources!.limits!.memory = '192Mi'),
  }),
  ...by('replicas of a service are spread over nodes and zones', {
    'all on one node': ({ pod }) => void delete pod.topologySpreadConstraints,
    'all in one zone': ({ pod }) => void pod.topologySpreadConstraints!.shift(),
  }),
  ...by(durable, {
    'no volume for Postgres': withoutClaim('postgres'),
    "a volume beside Postgres' data": (system) =>
      void (server('postgres', system).volumeMounts![0]!.mountPath = '/var/lib/postgresql/data'),
    'fsync is off': (system) => void server('postgres', system).args!.push('-c', 'fsync=off'),
    'a commit that is not on disk': (system) =>
      void server('postgres', system).args!.push('-c', 'synchronous_commit=off'),
    'a database that nobody knows': (system) => void (server('postgres', system).image = 'mysql:9.4'),
  }),
  ...by(
    durable,
    {
      'no volume for Kafka': withoutClaim('kafka'),
      "Kafka's log beside its volume": instead('kafka', 'log.dirs=/data/log', 'log.dirs=/tmp/log'),
      'a leader that has missed records': instead(
        'kafka',
        'unclean.leader.election.enable=false',
        'unclean.leader.election.enable=true',
      ),
      'places of groups that are forgotten before their events': instead(
        'kafka',
        'auto.create.topics.enable=false',
        'offsets.retention.minutes=60',
      ),
    },
    'kafka',
  ),
  ...by(
    durable,
    {
      'no volume for RabbitMQ': withoutClaim('rabbitmq'),
      'another name of RabbitMQ each time': (system) => void server('rabbitmq', system).env!.splice(0, 1),
    },
    'rabbitmq',
  ),
  ...by(
    durable,
    {
      'no volume for NATS': withoutClaim('nats'),
      'a stream that is synced every two minutes': instead('nats', ', sync_interval: always', ''),
      'a stream in a folder of the container': instead('nats', 'store_dir: \\"/data\\"', 'store_dir: \\"/tmp\\"'),
    },
    'nats',
  ),
  ...by(
    durable,
    {
      'no volume for nsqd': withoutClaim('nsqd'),
      'nsqd syncs now and then': (system) => drop('-sync-every=1', server('nsqd', system)),
      'nsqd keeps messages in memory': (system) => drop('-mem-queue-size=0', server('nsqd', system)),
      'nsqd does not know of all groups': (system) =>
        drop('-lookupd-tcp-address=nsqlookupd:4160', server('nsqd', system)),
      'nsqd is not told where its volume is': (system) => drop('-data-path=/data', server('nsqd', system)),
    },
    'nsq',
  ),
  ...by('a service has an account, a Service and a budget of its own', {
    'the account of all': ({ pod }) => void delete pod.serviceAccountName,
    'no Service': ({ find }) => void (find('Service', 'inventory-service').metadata.name = 'stock'),
    'a budget that means its setup only': ({ find }) =>
      void (find('PodDisruptionBudget', 'inventory-service').spec.selector!.matchLabels![
        'app.kubernetes.io/component'
      ] = 'setup'),
  }),
  ...by('a budget lets a drain go on', {
    'both bounds': ({ find }) => void (find('PodDisruptionBudget', 'inventory-service').spec.minAvailable = 1),
    'none may go': ({ find }) => void (find('PodDisruptionBudget', 'inventory-service').spec.maxUnavailable = 0),
  }),
  ...by('a Service finds the pods of one workload, at ports that they have', {
    'the pods of the setup, too': ({ find }) =>
      void delete find('Service', 'inventory-service').spec.selector!['app.kubernetes.io/component'],
    'a port that there is not': ({ find }) =>
      void (find('Service', 'inventory-service').spec.ports![0]!.targetPort = 'http'),
  }),
  ...by('one decides the number of replicas, and it is more than one', {
    one: ({ find }) => void (find('Deployment', 'inventory-service').spec.replicas = 1),
    'two decide': ({ find }) => void (find('Deployment', 'order-api').spec.replicas = 2),
    'nobody decides': ({ find }) => void delete find('Deployment', 'inventory-service').spec.replicas,
  }),
  ...by('no consumer gets more replicas than Kafka has partitions', {
    thirteen: ({ manifests }) =>
      void manifests.push({
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name: 'x' },
        spec: { scaleTargetRef: { name: 'x' }, minReplicaCount: 2, maxReplicaCount: 13 },
      }),
  }),
  ...by('our programs find only variables that they know', {
    'a misspelt one': ({ container }) => void container.env!.push({ name: 'BATCH_SIZ', value: '10' }),
  }),
];
