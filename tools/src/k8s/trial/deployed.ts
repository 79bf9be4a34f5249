import { join } from 'node:path';
import { databasesAt } from '../../verify';
import { parse } from '../manifests';
import type { Node } from '../node/node';
import { combine, forTrying, k8s, namespace } from '../overlay';
import { secrets } from '../secrets';
import { type Broker, brokers } from './brokers';
import { apps, nextVersion } from './images';

const patience = '--timeout=10m';

/** All services on a node, with everything that they need, handled the way docs/kubernetes.md says. */
export class Deployed {
  /** What carries the events; none when Postgres does. */
  readonly broker?: Broker;
  private readonly secrets: string;
  private readonly overlay: string;

  /** @param directory for overlays */
  constructor(
    private readonly node: Node,
    private readonly directory: string,
    transport: string,
  ) {
    this.secrets = secrets(transport);
    this.broker = brokers[transport];
    this.overlay = join(k8s, 'overlays', 'local');
    if (!this.broker) return;
    this.overlay = join(directory, transport);
    combine(this.overlay, { base: join(k8s, 'overlays', transport), components: forTrying(transport) });
  }

  /** Resolves when every pod is ready. */
  async deploy(): Promise<void> {
    for (const name of ['postgres', ...(this.broker?.volumes ?? [])])
      await this.node.kubectlWith(JSON.stringify(volume(name, this.node.volume(name))), 'apply', '--filename=-');
    await this.node.kubectl('create', 'namespace', namespace);
    await this.node.kubectlWith(this.secrets, 'apply', '-n', namespace, '--filename=-');
    await this.node.kubectl('apply', '--server-side', '-k', this.overlay);
    await this.complete();
  }

  /** Rolls out the next version of every service. */
  async upgrade(): Promise<void> {
    const next = join(this.directory, 'next');
    const images = apps.map((app) => ({ name: `order-events/${app}`, newTag: nextVersion }));
    combine(next, { base: this.overlay, images });
    const before = (await Promise.all(apps.map((app) => this.pods(app)))).flat();
    await this.kubectl('delete', 'job', '--all');
    await this.node.kubectl('apply', '--server-side', '-k', next);
    await this.complete();
    for (const pod of before) await this.gone(pod);
    const old = (await this.images()).filter((image) => !image.endsWith(`:${nextVersion}`));
    if (old.length > 0) throw new Error(`After the upgrade these are still there: ${old.join(', ')}.`);
  }

  /** Resolves when there are as many pods as there should be, all of the version that they should be, and all are ready. */
  async complete(): Promise<void> {
    for (const app of apps) await this.kubectl('rollout', 'status', `deployment/${app}`, patience);
  }

  /** The names of a workload's pods, by the label that they have of it. */
  async pods(app: string): Promise<string[]> {
    const words = await this.kubectl(
      'get',
      'pods',
      `--selector=app.kubernetes.io/name=${app},app.kubernetes.io/component notin (setup, sandbox-setup)`,
      '--output=jsonpath={.items[*].metadata.name}',
    );
    return words.split(' ').filter(Boolean);
  }

  /** Deletes the pod in order; does not wait until it is gone. */
  async deletePod(name: string): Promise<void> {
    await this.kubectl('delete', 'pod', name, '--wait=false');
  }

  async gone(pod: string): Promise<void> {
    await this.kubectl('wait', '--for=delete', `pod/${pod}`, patience);
  }

  /** What one reaches a Service at, from the node. */
  async address(service: string): Promise<string> {
    return this.kubectl('get', 'service', service, '--output=jsonpath={.spec.clusterIP}');
  }

  /** Of all services' databases, for whoever may read everything. */
  async databases(): Promise<Record<string, string>> {
    const all = parse(this.secrets).find(({ metadata }) => metadata.name === 'postgres')!.stringData!;
    return databasesAt(`postgres://postgres:${all.postgres}@${await this.address('postgres')}:5432`);
  }

  /** For whoever wonders why something does not work. */
  async state(): Promise<string> {
    const all = '--selector=app.kubernetes.io/name';
    return [
      await this.kubectl('get', 'pods,jobs', '--output=wide'),
      (await this.kubectl('get', 'events', '--sort-by=.lastTimestamp')).split('\n').slice(-30).join('\n'),
      await this.kubectl(
        'logs',
        all,
        '--all-containers',
        '--prefix',
        '--tail=5',
        '--ignore-errors',
        '--max-log-requests=100',
      ),
    ].join('\n\n');
  }

  /** Runs kubectl in its namespace. */
  kubectl(...args: string[]): Promise<string> {
    return this.node.kubectl('-n', namespace, ...args);
  }

  private async images(): Promise<string[]> {
    const ours = '--selector=app.kubernetes.io/part-of=order-events,app.kubernetes.io/component=service';
    const words = await this.kubectl('get', 'pods', ours, '--output=jsonpath={.items[*].spec.containers[*].image}');
    return words.split(' ');
  }
}

/** For any claim of what is there for development, where nothing makes volumes by itself. */
const volume = (name: string, path: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: { capacity: { storage: '8Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: '', hostPath: { path } },
});
