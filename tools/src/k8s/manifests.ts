import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

/** An object of Kubernetes, as far as the rules look at it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
  automountServiceAccountToken?: boolean;
  spec?: Spec;
  data?: Readonly<Record<string, string>>;
  stringData?: Readonly<Record<string, string>>;
}

export type Labels = Record<string, string>;

export interface Spec {
  template?: { metadata?: { labels?: Labels }; spec: PodSpec };
  replicas?: number;
  strategy?: { type?: string; rollingUpdate?: { maxUnavailable?: number | string } };
  /** Of a workload or a budget; a Service's is bare labels. */
  selector?: Selector & Labels;
  ports?: { name?: string; port: number; targetPort?: number | string }[];
  maxUnavailable?: number;
  minAvailable?: number;
  /** Of a StatefulSet: each of its pods has a volume of its own by this name, which outlives the pod. */
  volumeClaimTemplates?: { metadata: { name: string } }[];
  /** Of a NetworkPolicy. */
  podSelector?: Selector;
  policyTypes?: string[];
  egress?: { to?: Peer[]; ports?: object[] }[];
  /** Of what scales. */
  scaleTargetRef?: { name: string };
  minReplicas?: number;
  minReplicaCount?: number;
  maxReplicaCount?: number;
}

export interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
}

export interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string };
}

export interface PodSpec {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  topologySpreadConstraints?: { topologyKey: string }[];
  securityContext?: { runAsNonRoot?: boolean; runAsUser?: number; seccompProfile?: { type?: string } };
  initContainers?: Container[];
  containers: Container[];
  volumes?: { name: string; hostPath?: object; emptyDir?: object; configMap?: { name: string } }[];
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: object }[];
  ports?: { name?: string; containerPort: number; hostPort?: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: {
    allowPrivilegeEscalation?: boolean;
    privileged?: boolean;
    readOnlyRootFilesystem?: boolean;
    runAsUser?: number;
    capabilities?: { add?: string[]; drop?: string[] };
  };
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
}

export interface Probe {
  httpGet?: { path: string; port: number | string };
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
}

/** What Kubernetes makes pods from. */
export type Workload = Manifest & { spec: { template: NonNullable<Spec['template']> } };

const run = promisify(execFile);

/** What `kubectl apply -k` would send of this directory, as YAML. */
export async function render(kubectl: string, directory: string): Promise<string> {
  return (await run(kubectl, ['kustomize', directory], { maxBuffer: 1 << 26 })).stdout;
}

/** @throws Error for what is not YAML. */
export function parse(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

export const titleOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;

export const ofKind = (manifests: readonly Manifest[], ...kinds: string[]) =>
  manifests.filter(({ kind }) => kinds.includes(kind));

export function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests.filter((manifest): manifest is Workload => manifest.spec?.template !== undefined);
}

/** Those that run our own services, by the label that says so. */
export function services(manifests: readonly Manifest[]): Workload[] {
  return workloads(manifests).filter((workload) => labelsOf(workload)[COMPONENT] === 'service');
}

export const NAME = 'app.kubernetes.io/name';
export const COMPONENT = 'app.kubernetes.io/component';

/** Of the pods that a workload makes. */
export const labelsOf = ({ spec }: Workload): Labels => spec.template.metadata?.labels ?? {};

export const containersOf = ({ spec }: Workload): Container[] => [
  ...(spec.template.spec.initContainers ?? []),
  ...spec.template.spec.containers,
];

/** Whether a selector means pods of these labels. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const has = (key: string, values: readonly string[] = []) => key in labels && values.includes(labels[key]!);
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator === 'Exists') return key in labels;
      if (operator === 'DoesNotExist') return !(key in labels);
      return has(key, values) === (operator === 'In');
    })
  );
}
