import { type Manifest, ofKind, titleOf } from '../../../src/k8s/manifests';
import { ofContainers, ofWorkloads, type Rule } from './rule';

/** What a pod may do at most. */
export const security: readonly Rule[] = [
  {
    name: 'nobody is root',
    faults: ofWorkloads(({ spec: { template } }) => {
      const { runAsNonRoot, runAsUser } = template.spec.securityContext ?? {};
      return [
        runAsNonRoot !== true && 'runAsNonRoot is not set',
        !runAsUser && 'runAsUser is not set, so that an image whose user is a name would be refused',
        ...template.spec.containers.map(
          ({ name, securityContext }) => securityContext?.runAsUser === 0 && `${name} runs as root`,
        ),
      ];
    }),
  },
  {
    name: 'system calls are filtered',
    faults: ofWorkloads(({ spec: { template } }) => [
      template.spec.securityContext?.seccompProfile?.type !== 'RuntimeDefault' &&
        'seccompProfile is not RuntimeDefault',
    ]),
  },
  {
    name: 'no container can gain rights or write to its root',
    faults: ofContainers(({ securityContext = {} }) => {
      const { allowPrivilegeEscalation, privileged, readOnlyRootFilesystem, capabilities } = securityContext;
      return [
        allowPrivilegeEscalation !== false && 'allowPrivilegeEscalation is not false',
        privileged === true && 'is privileged',
        readOnlyRootFilesystem !== true && 'its root can be written to',
        !capabilities?.drop?.includes('ALL') && 'keeps capabilities',
        capabilities?.add !== undefined && 'adds capabilities',
      ];
    }),
  },
  {
    name: 'nothing of the node is shared',
    faults: ofWorkloads(({ spec: { template } }) => {
      const { hostNetwork, hostPID, hostIPC, volumes = [], containers } = template.spec;
      return [
        (hostNetwork || hostPID || hostIPC) && 'shares a namespace of the node',
        volumes.some(({ hostPath }) => hostPath) && 'mounts a folder of the node',
        containers.some(({ ports = [] }) => ports.some(({ hostPort }) => hostPort)) && 'takes a port of the node',
      ];
    }),
  },
  {
    name: 'no pod gets a token for the API server, nor a right there',
    faults: (manifests: readonly Manifest[]) => [
      ...ofWorkloads(({ spec: { template } }) => [
        template.spec.automountServiceAccountToken !== false && 'automountServiceAccountToken is not false',
      ])(manifests),
      ...ofKind(manifests, 'ServiceAccount')
        .filter(({ automountServiceAccountToken }) => automountServiceAccountToken !== false)
        .map((account) => `${titleOf(account)}: automountServiceAccountToken is not false`),
      ...ofKind(manifests, 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding').map(
        (right) => `${titleOf(right)}: gives a right`,
      ),
    ],
  },
  {
    name: "no Service's name becomes a variable",
    faults: ofWorkloads(({ spec: { template } }) => [
      template.spec.enableServiceLinks !== false &&
        'enableServiceLinks is not false: a Service smtp would set SMTP_PORT',
    ]),
  },
  {
    name: 'images are of a version',
    faults: ofContainers(({ image }) => [
      !/:[^/]+$/.test(image) && `${image} has no tag`,
      image.endsWith(':latest') && `${image} is another one tomorrow`,
    ]),
  },
];
