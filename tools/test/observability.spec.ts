import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWhere } from '@order-events/testing';
import { Metrics } from '@order-events/service-kit';
import { parse } from 'yaml';
import { composeFile, root } from './compose/file';
import { missing, promtool } from './observability/promtool';

const run = promisify(execFile);
const docker = (...path: string[]) => join(root, 'docker', ...path);
const read = (...path: string[]) => readFileSync(docker(...path), 'utf8');

interface Rule {
  alert: string;
  expr: string;
}
interface Panel {
  title: string;
  datasource: { uid: string };
  targets: { expr: string }[];
}
const alerts = (parse(read('prometheus', 'alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
const dashboard = JSON.parse(read('grafana', 'dashboards', 'order-events.json')) as { uid: string; panels: Panel[] };

const questions: [string, string][] = [
  ...alerts.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }): [string, string] => [title, expr])),
];

/** What a service tells at /metrics, by name, with the labels of each. */
async function told(): Promise<Map<string, Set<string>>> {
  const metrics = new Metrics('inventory');
  const store = {
    outboxStatus: () => Promise.resolve({ oldestMs: 0 }),
    operatorReads: { unfinished: () => Promise.resolve({ dead: 0, retrying: 0, effects: 0 }) },
  } as unknown as Parameters<Metrics['watch']>[0];
  const onError = (error: Error) => {
    throw error;
  };
  metrics.watch(store, [{ name: 'kafka', backlog: () => Promise.resolve(0) }], 'inventory', onError);
  metrics.handled.inc({ topic: 'order.created', outcome: 'applied' });
  metrics.audited.inc({ group: 'inventory', outcome: 'resent' });
  metrics.loopFailures.inc({ loop: 'relay' });
  metrics.effects.observe({ kind: 'mail', outcome: 'answered' }, 1);
  const text = await metrics.registry.metrics();
  const names = new Map<string, Set<string>>([['up', new Set(['job', 'instance'])]]);
  for (const [, name, labels] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const own = names.get(name!) ?? new Set(['job', 'instance']);
    for (const [, label] of (labels ?? '').matchAll(/(\w+)="/g)) own.add(label!);
    names.set(name!, own);
  }
  return names;
}

/** The figures that an expression asks for, and the labels by which it chooses among them. */
const asked = (expr: string) =>
  [...expr.matchAll(/\b(up|(?:order_events|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(([, name, labels = '']) => ({
    name: name!,
    labels: [...labels.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)].map(([, label]) => label!),
  }));

test.each(questions)('%s asks for figures that services tell', async (_, expr) => {
  const names = await told();
  const wanted = asked(expr);
  expect(wanted).not.toEqual([]);
  for (const { name, labels } of wanted) {
    expect([...names.keys()]).toContain(name);
    expect([...names.get(name)!]).toEqual(expect.arrayContaining(labels));
  }
});

test('what consumers are scaled by is one series', async () => {
  const scaled = readFileSync(join(root, 'k8s', 'components', 'keda', 'scaledobjects.yaml'), 'utf8');
  const figures = [...scaled.matchAll(/valueLocation: (\S+)/g)].map(([, name]) => name!);
  expect(figures).toHaveLength(4);
  const names = await told();
  for (const name of figures) expect([...(names.get(name) ?? [])]).toEqual(['job', 'instance', 'service']);
});

test('Prometheus asks every service, where it listens', () => {
  const config = parse(read('prometheus', 'prometheus.yml')) as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  const targets = config.scrape_configs.find(({ job_name }) => job_name === 'order-events')!.static_configs[0]!.targets;
  const listening = Object.entries(composeFile().services).flatMap(([name, { environment }]) =>
    environment?.OPERATOR_PORT ? [`${name}:${environment.OPERATOR_PORT}`] : [],
  );
  expect(listening).toHaveLength(5);
  expect(targets.toSorted()).toEqual(listening.toSorted());
});

test('the dashboard asks the Prometheus that is provided, which is the one of the stack', () => {
  const { datasources } = parse(read('grafana', 'provisioning', 'datasources', 'prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  expect(datasources).toHaveLength(1);
  expect([...new Set(dashboard.panels.map(({ datasource }) => datasource.uid))]).toEqual([datasources[0]!.uid]);
  expect(Object.keys(composeFile().services)).toContain(new URL(datasources[0]!.url).hostname);
});

test('the dashboard is where Grafana looks for it', () => {
  const { providers } = parse(read('grafana', 'provisioning', 'dashboards', 'order-events.yml')) as {
    providers: { options: { path: string } }[];
  };
  const { volumes, environment } = composeFile().services.grafana!;
  const { path } = providers[0]!.options;
  expect(volumes).toContain(`./docker/grafana/dashboards:${path}:ro`);
  expect(environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(`${path}/order-events.json`);
});

describeWhere('Prometheus', missing, () => {
  let program: string;
  beforeAll(async () => {
    program = await promtool((line) => void process.stderr.write(`${line}\n`));
  }, 300_000);

  test('reads its settings', async () => {
    const { stdout } = await run(program, ['check', 'config', docker('prometheus', 'prometheus.yml')]);
    expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  test('raises each alert when it should, and only then', async () => {
    await run(program, ['test', 'rules', join(__dirname, 'observability', 'alerts.test.yml')]);
  });

  test('understands what the dashboard asks', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'order-events-dashboard-'));
    const file = join(directory, 'rules.yml');
    const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const rules = exprs.map((expr, n) => ({ record: `dashboard:${n}`, expr }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    try {
      const { stdout } = await run(program, ['check', 'rules', file]);
      expect(stdout).toContain(`SUCCESS: ${exprs.length} rules found`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
