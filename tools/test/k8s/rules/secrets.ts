import { settings } from '@order-events/service-kit';
import { type Manifest, ofKind, titleOf } from '../../../src/k8s/manifests';
import { ofContainers, type Rule } from './rule';

const ours = new Set(Object.entries(settings).flatMap(([name, setting]) => ('secret' in setting ? [name] : [])));
const sounds = /password|passwd|pass$|token|secret|credential/i;
const credentials = /[a-z][a-z0-9+]*:\/\/[^/\s:@]*:[^/\s@]+@/i;

/** What must not stand in a file that is committed. */
export const secrets: readonly Rule[] = [
  {
    name: 'secrets come by reference only',
    faults: (manifests: readonly Manifest[]) => [
      ...ofContainers(({ env = [] }) =>
        env
          .filter(
            ({ name, value }) =>
              value !== undefined && !name.endsWith('_FILE') && (ours.has(name) || sounds.test(name)),
          )
          .map(({ name }) => `${name} has a literal value`),
      )(manifests),
      ...ofKind(manifests, 'Secret').map((secret) => `${titleOf(secret)}: is part of what is committed`),
      ...manifests
        .filter((manifest) => credentials.test(JSON.stringify(manifest)))
        .map((manifest) => `${titleOf(manifest)}: holds an address with a password in it`),
    ],
  },
];
