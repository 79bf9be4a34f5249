import { setTimeout as sleep } from 'node:timers/promises';
import type { Say } from '@order-events/testing';
import { emptyLedger } from '../../chaos/load';
import { outcomes } from '../../chaos/orders';
import { atRest } from '../../chaos/rest';
import { holds, report } from '../../verify';
import type { Node } from '../node/node';
import { Customers, patienceMs, type Seen } from './customers';
import type { Deployed } from './deployed';
import { apps } from './images';
import { reach } from './reach';

const services = apps.filter((app) => app !== 'sandbox');

/**
 * Deploys all services and puts them to the proof: an order placed through the Service is completed; each pod reaches
 * what it needs and nothing else; pods deleted, a kubelet killed and every service upgraded under load lose no request.
 * Rejects with what was found wrong.
 */
export async function tryOut(node: Node, deployed: Deployed, say: Say): Promise<void> {
  await timed(say, 'every pod is ready', () => deployed.deploy());
  const door = `http://${await deployed.address('order-api')}`;
  await timed(say, 'an order was completed', () => completedOrder(door));
  await timed(say, 'each pod reaches what it needs, and nothing else', () => reach(node, deployed));

  await underLoad(deployed, door, say, async (customers) => {
    await timed(say, 'one pod of each service deleted, and replaced', async () => {
      const pods = await Promise.all(services.map(async (service) => (await deployed.pods(service))[0]!));
      for (const pod of pods) await deployed.deletePod(pod);
      for (const pod of pods) await deployed.gone(pod);
      await deployed.complete();
    });
    await timed(say, 'kubelet killed, a pod deleted while it was away, and replaced when it was back', async () => {
      await node.killKubelet();
      const [pod] = await deployed.pods('inventory-service');
      await deployed.deletePod(pod!);
      await customers.more(50);
      node.startKubelet();
      await deployed.gone(pod!);
      await node.ready();
      await deployed.complete();
    });
  });
  await underLoad(deployed, door, say, (customers) =>
    timed(say, 'every service upgraded', async () => {
      await deployed.upgrade();
      await customers.more(20);
    }),
  );
}

async function completedOrder(door: string): Promise<void> {
  const response = await fetch(`${door}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'user_1', items: [{ product_id: 'prod1', quantity: 2 }], email: 'a@example.com' }),
  });
  if (response.status !== 201) throw new Error(`POST /orders was answered with ${response.status}.`);
  const { order_id } = (await response.json()) as { order_id: string };
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(50)) {
    const { status } = (await (await fetch(`${door}/orders/${order_id}`)).json()) as { status: string };
    if (status === 'completed') return;
    if (status === 'cancelled') throw new Error(`The order ${order_id} was cancelled.`);
  }
  throw new Error(`The order ${order_id} has not ended.`);
}

/** Lets customers place orders while something is done, and then looks whether all is well. */
async function underLoad(
  deployed: Deployed,
  door: string,
  say: Say,
  deed: (customers: Customers) => Promise<void>,
): Promise<void> {
  const customers = new Customers(door);
  try {
    await deed(customers);
  } finally {
    await customers.go();
  }
  await timed(say, summary(customers.seen), () => nothingIsWrong(deployed, customers.seen));
}

const summary = ({ accepted, later }: Seen) =>
  `${accepted.size} orders accepted and ended, ${later} told to come later; no request lost, and verify finds nothing`;

async function nothingIsWrong(deployed: Deployed, { accepted, lost }: Seen): Promise<void> {
  const urls = await deployed.databases();
  const results = await atRest(urls);
  const { broken, counts } = await outcomes(urls, { ...emptyLedger(), accepted });
  const others = [...counts.keys()].filter((outcome) => outcome !== 'completed');
  const wrong = [...broken, ...lost, ...(holds(results) ? [] : report(results))];
  if (accepted.size === 0) wrong.push('no order was accepted');
  if (others.length > 0) wrong.push(`not every order was completed; some are: ${others.join(', ')}`);
  if (wrong.length > 0) throw new Error(wrong.slice(0, 30).join('\n'));
}

/** Says what was done, and how long it took. */
async function timed(say: Say, what: string, deed: () => Promise<void>): Promise<void> {
  const started = performance.now();
  await deed();
  say(`${what} (${((performance.now() - started) / 1_000).toFixed(1)} s)`);
}
