import { existsSync } from 'node:fs';
import { succeeds } from '../../compose/command';
import { findPlugins } from '../node/parts';

/** What the trial cannot do without, and this machine cannot give. */
export class NoNode extends Error {
  override name = 'NoNode';
}

const programs = ['unshare', 'nsenter', 'setpriv', 'ip', 'sysctl', 'nft', 'iptables', 'containerd', 'ctr', 'runc'];
const debian =
  'apt-get install containerd runc containernetworking-plugins iptables nftables iproute2 util-linux procps';

/** @throws NoNode with the reason why no node of Kubernetes can be started here */
export async function checkMachine(): Promise<void> {
  if (process.platform !== 'linux') throw new NoNode('a node of Kubernetes needs Linux');
  if (process.getuid?.() !== 0) throw new NoNode('only root can start a node of Kubernetes');
  const missing: string[] = [];
  for (const program of programs) if (!(await succeeds('sh', ['-c', `command -v ${program}`]))) missing.push(program);
  if (!findPlugins()) missing.push('the plug-ins of CNI');
  if (missing.length > 0) throw new NoNode(`these are missing: ${missing.join(', ')} (Debian: ${debian})`);
  if (!existsSync('/sys/fs/cgroup/memory'))
    throw new NoNode('the control groups of this machine are not of version 1, and with others it has not been tried');
  if (!(await succeeds('unshare', ['--net', '--mount', '--pid', '--fork', 'true'])))
    throw new NoNode('this machine does not give namespaces, not even to root');
}
