import { type Container as Described, isKeeper, losses } from '../../../src/durable';
import { type Container, type Manifest, ofKind, titleOf, type Workload, workloads } from '../../../src/k8s/manifests';
import { type Rule, told } from './rule';

/** What must not be lost once a database or a broker has answered for it. */
export const durable: readonly Rule[] = [
  {
    name: 'what databases and brokers answer for is on a volume, and is on it when they answer',
    faults: (manifests) =>
      workloads(manifests).flatMap((workload) =>
        workload.spec.template.spec.containers.flatMap((container) => {
          const described = asContainer(container, workload, manifests);
          const isUnknown = workload.kind === 'StatefulSet' && !isKeeper(described);
          return told(titleOf(workload), [isUnknown && 'nobody knows what it keeps', ...losses(described)]);
        }),
      ),
  },
];

function asContainer(container: Container, { spec }: Workload, manifests: readonly Manifest[]): Described {
  const { image, command = [], args = [], env = [], volumeMounts = [] } = container;
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
  const mounted = volumeMounts.map(({ name }) => name);
  const files = (spec.template.spec.volumes ?? [])
    .filter(({ name }) => mounted.includes(name))
    .flatMap(({ configMap }) =>
      ofKind(manifests, 'ConfigMap').filter(({ metadata }) => metadata.name === configMap?.name),
    )
    .flatMap(({ data = {} }) => Object.values(data));
  return {
    image,
    words: [...command, ...args],
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    files: files.join('\n'),
    kept: volumeMounts.filter(({ name }) => claims.includes(name)).map(({ mountPath }) => mountPath),
  };
}
