import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWhere } from '@order-events/testing';
import { ApiServer } from '../src/k8s/api-server';
import { combine, forTrying, k8s, namespace } from '../src/k8s/overlay';
import { kedaDefinitions, missing, ourGoMod, pathOf } from '../src/k8s/programs';
import { secrets } from '../src/k8s/secrets';
import { ofKind, parse, render, services } from '../src/k8s/manifests';
import { brokers as trialBrokers } from '../src/k8s/trial/brokers';
import { planted, systemOf } from './k8s/planted';
import { rules } from './k8s/rules';

const foldersIn = (name: string) =>
  readdirSync(join(k8s, name), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [join(name, entry.name)] : [],
  );

const bases = foldersIn('base');
const overlays = foldersIn('overlays');
const brokers = Object.keys(trialBrokers);

describeWhere('the manifests', missing(), () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'order-events-k8s-'));
    // What the documentation tells to put together: a broker for development, scaling by backlog, and traces.
    for (const broker of brokers)
      combine(join(scratch, broker), {
        base: join(k8s, 'overlays', broker),
        components: [...forTrying(broker), 'keda', 'traces'],
      });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  const directoryOf = (name: string) => (brokers.includes(name) ? join(scratch, name) : join(k8s, name));
  const renderings = new Map<string, Promise<string>>();
  const rendered = (name: string): Promise<string> => {
    const rendering = renderings.get(name) ?? render(pathOf('kubectl'), directoryOf(name));
    renderings.set(name, rendering);
    return rendering;
  };

  describe.each([...bases, ...overlays, ...brokers])('%s', (name) => {
    test.each(rules)('$name', async ({ faults }) => {
      expect(faults(parse(await rendered(name)))).toEqual([]);
    });
  });

  test.each(bases)('%s is complete by itself', async (name) => {
    const manifests = parse(await rendered(name));
    const kinds = ['Deployment', 'Job', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'];
    expect(services(manifests).map(({ metadata }) => join('base', metadata.name))).toEqual([name]);
    expect([...new Set(manifests.map(({ kind }) => kind))].sort()).toEqual(expect.arrayContaining(kinds));
  });

  test.each(overlays)(
    '%s is in a namespace of its own, which is closed and takes restricted pods only',
    async (name) => {
      const manifests = parse(await rendered(name));
      const [own, ...others] = ofKind(manifests, 'Namespace');
      expect(others).toEqual([]);
      expect(own!.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
      expect(manifests.filter((one) => one !== own && one.metadata.namespace !== own!.metadata.name)).toEqual([]);
      const everything = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] };
      expect(ofKind(manifests, 'NetworkPolicy').map(({ spec }) => spec)).toContainEqual(everything);
    },
  );

  test.each(planted)('$rule: finds $mistake', async ({ rule, broker, plant }) => {
    const { faults } = rules.find(({ name }) => name === rule)!;
    const manifests = parse(await rendered(broker ?? 'overlays/local'));
    expect(faults(manifests)).toEqual([]);
    plant(systemOf(manifests));
    expect(faults(manifests)).not.toEqual([]);
  });

  test('every rule has a mistake that it finds', () => {
    expect([...new Set(planted.map(({ rule }) => rule))].sort()).toEqual(rules.map(({ name }) => name).sort());
  });

  test.each(['postgres', ...brokers])('the secrets for %s are those that the manifests refer to', async (transport) => {
    const manifests = parse(await rendered(transport === 'postgres' ? 'overlays/local' : transport));
    const text = JSON.stringify(manifests);
    const wanted = [...text.matchAll(/"secret(?:KeyRef|Ref)?":(\{[^{}]*\})/g)].map(([, json]) => JSON.parse(json!));
    const made = new Map(parse(secrets(transport)).map(({ metadata, stringData }) => [metadata.name, stringData!]));
    expect(wanted.length).toBeGreaterThan(0);
    for (const { name, secretName = name, key } of wanted)
      expect(made.get(secretName)).toEqual(
        key ? expect.objectContaining({ [key]: expect.any(String) }) : expect.anything(),
      );
  });

  describe('a real API server', () => {
    let server: ApiServer;
    let directory: string;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'order-events-api-server-'));
      server = await ApiServer.start(directory);
      expect(await server.kubectl(['apply', '--filename', kedaDefinitions])).toMatchObject({ code: 0, stderr: '' });
      // A trial run in a namespace needs the namespace for real.
      const made = ofKind(parse(await rendered('overlays/local')), 'Namespace');
      expect(
        await server.kubectl(['apply', '--server-side', '--filename', '-'], JSON.stringify(made[0])),
      ).toMatchObject({ code: 0 });
    });
    afterAll(async () => {
      await server.stop();
      rmSync(directory, { recursive: true });
    });

    const tryOut = (yaml: string) =>
      server.kubectl(
        [
          'apply',
          '--server-side',
          '--dry-run=server',
          '--validate=strict',
          '--namespace',
          namespace,
          '--filename',
          '-',
        ],
        yaml,
      );

    test.each([...bases, ...overlays, ...brokers])('accepts %s without a warning', async (name) => {
      expect(await tryOut(await rendered(name))).toMatchObject({ code: 0, stderr: '' });
    });

    test('refuses what it does not know, and warns of pods that it would refuse', async () => {
      const yaml = await rendered('base/inventory-service');
      const misspelt = await tryOut(yaml.replace('maxUnavailable: 0', 'maxUnavailble: 0'));
      expect(misspelt).toMatchObject({ code: 1, stderr: expect.stringContaining('maxUnavailble') });
      const root = await tryOut(yaml.replaceAll('runAsNonRoot: true', 'runAsNonRoot: false'));
      expect(root.stderr).toMatch(/Warning: would violate PodSecurity "restricted/);
    });

    test('gives the accounts no right', async () => {
      // For real: of what is only tried out, no account is there to have a right.
      const yaml = await rendered('overlays/local');
      const apply = ['apply', '--server-side', '--namespace', namespace, '--filename', '-'];
      expect(await server.kubectl(apply, yaml)).toMatchObject({ code: 0, stderr: '' });
      const accounts = ofKind(parse(yaml), 'ServiceAccount');
      expect(accounts).toHaveLength(bases.length);
      for (const { metadata } of accounts) {
        const who = `system:serviceaccount:${namespace}:${metadata.name}`;
        for (const [verb, what] of [
          ['get', 'secrets'],
          ['list', 'pods'],
          ['create', 'pods'],
          ['patch', 'deployments'],
        ])
          expect(
            await server.kubectl(['auth', 'can-i', verb!, what!, '--namespace', namespace, '--as', who]),
          ).toMatchObject({
            code: 1,
            stdout: 'no\n',
          });
      }
    });
  });
});

test('Kubernetes is compiled with the libraries that were published with it', () => {
  const theirs = 'module k8s.io/kubernetes\n\ngo 1.25.0\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n';
  expect(ourGoMod(theirs)).toBe(
    'module local\ngo 1.25.0\nrequire k8s.io/kubernetes v1.35.4\nreplace k8s.io/api => k8s.io/api v0.35.4\n',
  );
});

test('secrets are new each time, and name a transport that there is', () => {
  expect(secrets('nats')).not.toBe(secrets('nats'));
  expect(() => secrets('zeromq')).toThrow('there are postgres, kafka, rabbitmq, nats, nsq');
});
