import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiServer, User } from '../api-server';
import { images } from './images';
import { pathOf } from './programs';

/** Addresses that exist in the node's own network only. */
export const nodeAddress = '10.245.0.1';
const podNetwork = '10.244.0.0/24';
const dnsAddress = '10.96.0.10';

const runtimeSocket = '/run/containerd/containerd.sock';

/** Where distributions keep the plug-ins that connect pods. */
export const findPlugins = () => ['/usr/lib/cni', '/opt/cni/bin'].find((path) => existsSync(join(path, 'bridge')));

/** How the programs of a node are started: their words, by what they are. */
export class Parts {
  private readonly inside = (...path: string[]) => join(this.directory, ...path);

  /**
   * @param directory for their settings and data
   * @param cgroup the control group of all pods
   */
  constructor(
    private readonly directory: string,
    private readonly cgroup: string,
    private readonly api: ApiServer,
  ) {}

  controllerManager(): string[] {
    return [
      pathOf('kube-controller-manager'),
      this.kubeconfig('system:kube-controller-manager'),
      '--secure-port=0',
      '--leader-elect=false',
      '--use-service-account-credentials',
      `--service-account-private-key-file=${this.inside('accounts.key')}`,
      `--root-ca-file=${this.inside('certificates', 'apiserver.crt')}`,
      // Its defaults take seconds to get all controllers under way.
      '--kube-api-qps=200',
      '--kube-api-burst=400',
      `--flex-volume-plugin-dir=${this.inside('plugins')}`,
    ];
  }

  scheduler(): string[] {
    return [
      pathOf('kube-scheduler'),
      this.kubeconfig('system:kube-scheduler'),
      '--secure-port=0',
      '--leader-elect=false',
    ];
  }

  proxy(): string[] {
    const config = this.settings('proxy.json', {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      hostnameOverride: 'node',
      clusterCIDR: podNetwork,
      bindAddress: nodeAddress,
      oomScoreAdj: 0,
      clientConnection: { kubeconfig: this.api.kubeconfig('system:kube-proxy') },
      // It may not set these in a network of its own, and stops when it is to.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    });
    return [pathOf('kube-proxy'), `--config=${config}`];
  }

  containerd(): string[] {
    mkdirSync(this.inside('network'), { recursive: true });
    const address = { type: 'host-local', dataDir: '/run/addresses', ranges: [[{ subnet: podNetwork }]] };
    const bridge = { type: 'bridge', bridge: 'pods0', isGateway: true, ipMasq: false, hairpinMode: true };
    this.settings(join('network', '10-pods.conflist'), {
      cniVersion: '0.4.0',
      name: 'pods',
      plugins: [{ ...bridge, ipam: { ...address, routes: [{ dst: '0.0.0.0/0' }] } }],
    });
    const config = this.inside('containerd.toml');
    writeFileSync(config, containerdToml(this.inside('containerd'), this.inside('network')));
    return ['containerd', '--config', config];
  }

  kubelet(): string[] {
    writeFileSync(this.inside('resolv.conf'), '');
    const config = this.settings('kubelet.json', {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      failCgroupV1: false,
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${this.cgroup}`,
      failSwapOn: false,
      // Nobody but the API server can reach it: a policy closes every pod.
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      address: nodeAddress,
      clusterDNS: [dnsAddress],
      clusterDomain: 'cluster.local',
      containerRuntimeEndpoint: `unix://${runtimeSocket}`,
      resolvConf: this.inside('resolv.conf'),
      volumePluginDir: this.inside('plugins'),
      podLogsDir: this.inside('log', 'pods'),
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
      // No image that was taken away could be had again.
      imageGCHighThresholdPercent: 100,
      imageGCLowThresholdPercent: 99,
      oomScoreAdj: 0,
    });
    return [
      pathOf('kubelet'),
      this.kubeconfig('system:node:node'),
      `--config=${config}`,
      '--hostname-override=node',
      `--node-ip=${nodeAddress}`,
      `--root-dir=${this.inside('kubelet')}`,
      `--cert-dir=${this.inside('kubelet-certificates')}`,
    ];
  }

  private kubeconfig(user: User): string {
    return `--kubeconfig=${this.api.kubeconfig(user)}`;
  }

  private settings(name: string, content: object): string {
    const file = this.inside(name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  }
}

const containerdToml = (data: string, network: string) => `version = 2
root = "${data}"
state = "/run/containerd-state"
[grpc]
  address = "${runtimeSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/${images.pause}"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  # The kubelet asks for a score that only a process with more rights than a container's root may give.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${findPlugins()}"
  conf_dir = "${network}"
`;
