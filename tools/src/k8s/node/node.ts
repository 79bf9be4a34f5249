import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { succeeds } from '../../compose/command';
import { ApiServer } from '../api-server';
import { hasEnded, kill, start } from '../process';
import { pathOf } from '../programs';
import { Enclosure } from './enclosure';
import { images } from './images';
import { nodeAddress, Parts } from './parts';
import { Policies } from './policies';

const dns = join(__dirname, '..', '..', '..', 'k8s-node', 'dns.yaml');
const patienceMs = 300_000;

/**
 * A real Kubernetes of one node, in a network that the process that makes it must be alone in: its addresses are the same
 * every time. Pods run in it, Services and cluster DNS find them, and NetworkPolicies hold.
 */
export class Node {
  private readonly running = new Map<string, ChildProcess>();
  private api?: ApiServer;
  private enclosure?: Enclosure;
  private policies?: Policies;
  private parts?: Parts;
  private broken?: Error;

  /**
   * @param directory empty; for all that it writes
   * @param cgroup a name for the control group of its pods
   */
  constructor(
    private readonly directory: string,
    private readonly cgroup: string,
  ) {}

  /** Resolves when pods can be started. @param load given the words of a `ctr`, brings it images */
  async start(load: (ctr: readonly string[], names: readonly string[]) => Promise<void>): Promise<void> {
    this.enclosure = await Enclosure.open(this.directory, this.cgroup);
    this.api = await ApiServer.start(this.directory, nodeAddress);
    this.parts = new Parts(this.directory, this.cgroup, this.api);
    this.policies = new Policies(
      [pathOf('kubectl'), `--kubeconfig=${this.api.kubeconfig('admin')}`],
      (error) => (this.broken = error),
    );
    this.policies.start();
    this.run('kube-controller-manager', this.parts.controllerManager());
    this.run('kube-scheduler', this.parts.scheduler());
    this.run('kube-proxy', this.parts.proxy());
    this.run('containerd', this.enclosure.words(...this.parts.containerd()));
    const [command, ...args] = this.ctr;
    await this.until('containerd answers', () => succeeds(command!, [...args, 'version']));
    await load(this.ctr, Object.values(images));
    this.startKubelet();
    await this.kubectl('apply', '--server-side', '--filename', dns);
    await this.ready();
    await this.kubectl('-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=5m');
  }

  /** Runs kubectl as an administrator. @throws Error with what it complains of */
  async kubectl(...args: string[]): Promise<string> {
    return this.kubectlWith('', ...args);
  }

  /** @param input given to it on its standard input */
  async kubectlWith(input: string, ...args: string[]): Promise<string> {
    if (this.broken) throw this.broken;
    const { code, stdout, stderr } = await this.api!.kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout.trim();
  }

  /** The words that begin a command of its container runtime. */
  get ctr(): readonly string[] {
    return this.enclosure!.words('ctr', '--namespace=k8s.io');
  }

  /** A folder for a volume, which every pod may write to. */
  volume(name: string): string {
    const path = join(this.directory, 'volumes', name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    return path;
  }

  startKubelet(): void {
    this.run('kubelet', this.enclosure!.words(...this.parts!.kubelet()));
  }

  /** kill -9. What runs in pods goes on. */
  async killKubelet(): Promise<void> {
    const kubelet = this.running.get('kubelet')!;
    this.running.delete('kubelet');
    await kill(kubelet);
  }

  /** Resolves when the node takes pods. */
  async ready(): Promise<void> {
    await this.until('the node is ready', async () => {
      const { stdout } = await this.api!.kubectl([
        'get',
        'node/node',
        '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ]);
      return stdout === 'True';
    });
  }

  /** Ends all that it has started; files and the control group stay. */
  async stop(): Promise<void> {
    await this.policies?.end();
    for (const process of this.running.values()) await kill(process);
    await this.api?.stop();
    await this.enclosure?.close();
  }

  private run(name: string, words: readonly string[]): void {
    this.running.set(name, start(words, join(this.directory, 'log', `${name}.log`)));
  }

  private async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!(await condition())) {
      const ended = [...this.running].find(([, process]) => hasEnded(process));
      if (ended) throw new Error(`${ended[0]} has ended.`);
      if (performance.now() > deadline) throw new Error(`It takes too long until ${what}.`);
      await sleep(200);
    }
  }
}
