import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { kill, withParent } from '../process';
import { type Cluster, type Namespace, type Pod, type Policy, policyTable } from './policy-table';

type Thing = Pod | Namespace | Policy;

const kinds: Record<keyof Cluster, string> = {
  pods: '/api/v1/pods',
  namespaces: '/api/v1/namespaces',
  policies: '/apis/networking.k8s.io/v1/networkpolicies',
};

/** Sees to it that the NetworkPolicies of a cluster hold in the network that this process is in. */
export class Policies {
  private readonly things = new Map<keyof Cluster, Map<string, Thing>>();
  private readonly watches: ChildProcess[] = [];
  private applied = '';
  private pending = Promise.resolve();
  private ending = false;

  /**
   * @param kubectl the words that run it as an administrator
   * @param onError told why the policies do not hold any more
   */
  constructor(
    private readonly kubectl: readonly string[],
    private readonly onError: (error: Error) => void,
  ) {}

  start(): void {
    for (const kind of Object.keys(kinds) as (keyof Cluster)[]) this.watch(kind);
  }

  async end(): Promise<void> {
    this.ending = true;
    for (const watch of this.watches) await kill(watch);
    await this.pending;
  }

  private watch(kind: keyof Cluster): void {
    const known = new Map<string, Thing>();
    this.things.set(kind, known);
    const [command, ...args] = [
      ...withParent,
      ...this.kubectl,
      'get',
      '--raw',
      `${kinds[kind]}?watch=1&timeoutSeconds=86400`,
    ];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.watches.push(child);
    child.once('exit', () => {
      if (!this.ending) this.onError(new Error(`The watch for ${kind} has ended.`));
    });
    createInterface(child.stdout).on('line', (line) => {
      const { type, object } = JSON.parse(line) as { type: string; object: Thing };
      const { name, namespace } = object.metadata as { name: string; namespace?: string };
      if (type === 'DELETED') known.delete(`${namespace}/${name}`);
      else known.set(`${namespace}/${name}`, object);
      this.pending = this.pending.then(() => this.apply()).catch(this.onError);
    });
  }

  private async apply(): Promise<void> {
    if (this.ending) return;
    const of = <T extends Thing>(kind: keyof Cluster) => [...this.things.get(kind)!.values()] as T[];
    const table = policyTable({ pods: of('pods'), namespaces: of('namespaces'), policies: of('policies') });
    if (table === this.applied) return;
    await nft(table);
    this.applied = table;
  }
}

function nft(table: string): Promise<void> {
  const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += String(chunk)));
  child.stdin.end(table);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`nft refuses the policies: ${complaints}`)),
    );
  });
}
