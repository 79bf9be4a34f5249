import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Where the manifests are. */
export const k8s = join(__dirname, '..', '..', '..', 'k8s');
export const namespace = 'order-events';

/** What the services lack that are to be tried on a broker: it, and all that is not theirs. */
export const forTrying = (broker: string) => [`dev-${broker}`, 'dev-postgres', 'sandbox', 'development'];

export interface Combined {
  /** A folder with a kustomization. */
  base: string;
  /** Names of k8s/components. */
  components?: readonly string[];
  images?: readonly { name: string; newTag: string }[];
}

/** Makes a folder that puts manifests together, the way docs/kubernetes.md tells. @param at the folder, which is not there yet */
export function combine(at: string, { base, components = [], images = [] }: Combined): void {
  mkdirSync(at);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace,
    resources: [relative(at, base)],
    components: components.map((component) => relative(at, join(k8s, 'components', component))),
    images,
  };
  writeFileSync(join(at, 'kustomization.yaml'), JSON.stringify(kustomization));
}
