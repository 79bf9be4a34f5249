import { type Cluster, type Pod, type Policy, policyTable } from './policy-table';

const pod = (name: string, podIP: string, namespace = 'shop'): Pod => ({
  metadata: { name, namespace, labels: { app: name } },
  spec: { containers: [{ name, image: name, ports: [{ name: 'http', containerPort: 8080 }] }] },
  status: { podIP, phase: 'Running' },
});
const web = pod('web', '10.0.0.1');
const client = pod('client', '10.0.0.2');
const stranger = pod('client', '10.0.0.3', 'elsewhere');

const policy = (spec: Partial<Policy['spec']>): Policy => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'], ...spec },
});
const clientOnly = policy({
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'http' }] }],
});

const tableOf = (policies: Policy[], pods: Pod[] = [web, client, stranger]) => {
  const namespaces = ['shop', 'elsewhere'].map((name) => ({ metadata: { name, labels: { name } } }));
  return policyTable({ pods, namespaces, policies } satisfies Cluster).split('\n');
};
/** The lines between a chain's braces. */
const chain = (table: string[], name: string) => {
  const from = table.indexOf(`chain ${name} {`);
  return from < 0 ? undefined : table.slice(from + 1, table.indexOf('}', from)).map((line) => line.trim());
};

test('a pod that no policy means is open', () => {
  const table = tableOf([clientOnly]);
  expect(chain(table, 'ingress_10_0_0_2')).toBeUndefined();
  expect(chain(table, 'egress_10_0_0_1')).toBeUndefined();
});

test('a closed pod lets in whom its policies name, of its own namespace, at the port of that name', () => {
  expect(chain(tableOf([clientOnly]), 'ingress_10_0_0_1')).toEqual(['ip saddr 10.0.0.2 tcp dport 8080 return', 'drop']);
  expect(chain(tableOf([policy({})]), 'ingress_10_0_0_1')).toEqual(['drop']);
});

test('a pod of another namespace is let in where that is named', () => {
  const elsewhere = { namespaceSelector: { matchLabels: { name: 'elsewhere' } }, podSelector: {} };
  expect(
    chain(
      tableOf([policy({ ingress: [{ from: [elsewhere], ports: [{ port: 53, protocol: 'UDP' }] }] })]),
      'ingress_10_0_0_1',
    ),
  ).toEqual(['ip saddr 10.0.0.3 udp dport 53 return', 'drop']);
});

test('policies add up, and one that names nobody lets everybody in', () => {
  const everybody = policy({ ingress: [{ ports: [{ port: 80 }] }] });
  expect(chain(tableOf([clientOnly, everybody]), 'ingress_10_0_0_1')).toEqual([
    'ip saddr 10.0.0.2 tcp dport 8080 return',
    'tcp dport 80 return',
    'drop',
  ]);
});

test('on the way out, a port has the name that it has in the pod that is called', () => {
  const out = policy({
    policyTypes: ['Egress'],
    egress: [
      { to: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'http' }, { port: 'smtp' }] },
    ],
  });
  const table = tableOf([out]);
  expect(chain(table, 'egress_10_0_0_1')).toEqual(['ip daddr 10.0.0.2 tcp dport 8080 return', 'drop']);
  // To other pods, and to the node.
  for (const hook of ['forward', 'input'])
    expect(chain(table, hook)).toContain('ip saddr vmap { 10.0.0.1 : jump egress_10_0_0_1 }');
});

test('a pod that has ended has no address any more', () => {
  const ended = { ...client, status: { ...client.status, phase: 'Succeeded' } };
  expect(chain(tableOf([clientOnly], [web, ended]), 'ingress_10_0_0_1')).toEqual(['drop']);
});

test.each<[string, Partial<Policy['spec']>]>([
  ['addresses', { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] }],
  ['ranges of ports', { ingress: [{ ports: [{ port: 80, endPort: 90 }] }] }],
  ['ways out to everybody', { policyTypes: ['Egress'], egress: [{}] }],
])('%s are refused instead of passed over', (_, spec) => {
  expect(() => tableOf([policy(spec)])).toThrow();
});
