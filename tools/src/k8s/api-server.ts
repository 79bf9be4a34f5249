import { type ChildProcess, execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@order-events/testing';
import { kill, start, withParent } from './process';
import { pathOf, type Program } from './programs';

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Who may log in to it, with the group that says what they may do there. */
const users = {
  admin: 'system:masters',
  'system:kube-controller-manager': '',
  'system:kube-scheduler': '',
  'system:kube-proxy': '',
  'system:node:node': 'system:nodes',
};
export type User = keyof typeof users;

/** Addresses of Services. */
export const serviceNetwork = '10.96.0.0/16';

/**
 * A real API server with its database, and nothing that would act on what it is told: no controller, no scheduler, no
 * node. It needs no rights on this machine.
 */
export class ApiServer {
  private constructor(
    private readonly directory: string,
    private readonly processes: readonly ChildProcess[],
  ) {}

  /**
   * @param directory empty; for its data, keys and logs. Resolves when it answers.
   * @param address where it listens
   */
  static async start(directory: string, address = '127.0.0.1'): Promise<ApiServer> {
    const [etcd, etcdPeer, port] = [await freePort(), await freePort(), await freePort()];
    const inside = (...path: string[]) => join(directory, ...path);
    mkdirSync(inside('log'), { recursive: true });
    mkdirSync(inside('users'), { recursive: true });
    const known = Object.entries(users).map(([user, group]) => {
      const token = randomBytes(24).toString('hex');
      writeFileSync(inside('users', user), kubeconfig(address, port, token), { mode: 0o600 });
      return `${token},${user},${user},"${group}"\n`;
    });
    writeFileSync(inside('tokens.csv'), known.join(''), { mode: 0o600 });
    // What it signs the tokens of service accounts with.
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(inside('accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });

    const run = (program: Program, ...args: string[]) =>
      start([pathOf(program), ...args], inside('log', `${program}.log`));
    const database = run(
      'etcd',
      `--data-dir=${inside('etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=http://127.0.0.1:${etcd}`,
      `--advertise-client-urls=http://127.0.0.1:${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${etcdPeer}`,
    );
    const server = run(
      'kube-apiserver',
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${port}`,
      `--cert-dir=${inside('certificates')}`,
      `--token-auth-file=${inside('tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--kubelet-preferred-address-types=InternalIP',
      `--service-cluster-ip-range=${serviceNetwork}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${inside('accounts.key')}`,
      `--service-account-signing-key-file=${inside('accounts.key')}`,
    );
    const started = new ApiServer(directory, [server, database]);
    try {
      await started.ready(inside('log', 'kube-apiserver.log'));
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** The file with which a client logs in as that user. */
  kubeconfig(user: User): string {
    return join(this.directory, 'users', user);
  }

  /** @param input given to it on its standard input */
  kubectl(args: readonly string[], input = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const [command, ...words] = [...withParent, pathOf('kubectl'), '--kubeconfig', this.kubeconfig('admin'), ...args];
      const child = execFile(command!, words, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(new Error(`kubectl did not run: ${error.message}`));
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
      });
      child.stdin!.end(input);
    });
  }

  async stop(): Promise<void> {
    // Nothing of it is kept.
    for (const process of this.processes) await kill(process);
  }

  private async ready(log: string): Promise<void> {
    for (;;) {
      const { code } = await this.kubectl(['get', '--raw', '/readyz']);
      if (code === 0) return;
      if (this.processes.some(({ exitCode }) => exitCode !== null))
        throw new Error(`The API server ended instead of starting:\n${readFileSync(log, 'utf8').slice(-2_000)}`);
      await sleep(100);
    }
  }
}

/** Its certificate is made by itself at the start, and nobody else can be at that address. */
const kubeconfig = (address: string, port: number, token: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'local',
    contexts: [{ name: 'local', context: { cluster: 'local', user: 'admin' } }],
    clusters: [{ name: 'local', cluster: { server: `https://${address}:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
  });
