import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@order-events/testing';
import { pathOf, type Program } from './programs';

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * A real API server with its database, and nothing that would act on what it is told: no controller, no scheduler, no
 * node. It needs no rights on this machine, and listens on loopback.
 */
export class ApiServer {
  private constructor(
    private readonly kubeconfig: string,
    private readonly processes: readonly ChildProcess[],
  ) {}

  /** @param directory empty; for its data, keys and logs. Resolves when it answers. */
  static async start(directory: string): Promise<ApiServer> {
    const [etcd, etcdPeer, port] = [await freePort(), await freePort(), await freePort()];
    const inside = (...path: string[]) => join(directory, ...path);
    const token = randomBytes(24).toString('hex');
    mkdirSync(inside('log'), { recursive: true });
    writeFileSync(inside('tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
    // Nobody asks for a token of a service account; it does not start without a key to sign them with.
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(inside('accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    writeFileSync(inside('kubeconfig'), kubeconfig(port, token), { mode: 0o600 });

    const run = (program: Program, ...args: string[]) => start(program, args, inside('log', `${program}.log`));
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
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${inside('certificates')}`,
      `--token-auth-file=${inside('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${inside('accounts.key')}`,
      `--service-account-signing-key-file=${inside('accounts.key')}`,
    );
    const started = new ApiServer(inside('kubeconfig'), [server, database]);
    try {
      await started.ready(inside('log', 'kube-apiserver.log'));
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** @param input given to it on its standard input */
  kubectl(args: readonly string[], input = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const child = execFile(
        pathOf('kubectl'),
        ['--kubeconfig', this.kubeconfig, ...args],
        { maxBuffer: 1 << 26 },
        (error, stdout, stderr) => {
          if (error && typeof error.code !== 'number') reject(new Error(`kubectl did not run: ${error.message}`));
          else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
        },
      );
      child.stdin!.end(input);
    });
  }

  async stop(): Promise<void> {
    for (const process of this.processes) {
      if (process.exitCode !== null || process.signalCode !== null) continue;
      const ended = once(process, 'exit');
      // Nothing of it is kept.
      process.kill('SIGKILL');
      await ended;
    }
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

/** On Linux it ends with us, whatever we die of. */
const withUs = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];

function start(program: Program, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const [command, ...words] = [...withUs, pathOf(program), ...args];
  const child = spawn(command!, words, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

/** Its certificate is made by itself at the start, and it listens on loopback only. */
const kubeconfig = (port: number, token: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'local',
    contexts: [{ name: 'local', context: { cluster: 'local', user: 'admin' } }],
    clusters: [{ name: 'local', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
  });
