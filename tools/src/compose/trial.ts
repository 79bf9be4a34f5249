import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Say } from '@order-events/testing';
import { client, emptyLedger, type Ledger } from '../chaos/load';
import { outcomes } from '../chaos/orders';
import { atRest } from '../chaos/rest';
import { databasesAt, holds, report } from '../verify';
import type { Stack, Usage } from './stack';

const clients = 4;
/** How often it is looked at what the containers take under load. */
const looks = 10;

/**
 * Starts the stack and puts it to the proof: an order runs through, whatever is killed under load comes back, a stop under
 * load loses nothing, and volumes outlive the containers. Rejects with what was found wrong.
 */
export async function tryOut(stack: Stack, say: Say): Promise<void> {
  say(`all healthy after ${(await stack.up()).toFixed(0)} s`);
  const first = await completedOrder(stack);
  say('an order was completed');

  const usages: ReadonlyMap<string, Usage>[] = [];
  const started = performance.now();
  const working = await underLoad(stack, async () => {
    while (usages.length < looks) usages.push(await stack.usage());
  });
  const rate = working.accepted.size / ((performance.now() - started) / 1_000);
  await nothingIsWrong(stack, working, say);
  for (const line of taken(usages, rate)) say(line);

  const killing = await underLoad(stack, async () => {
    for (const service of stack.services) {
      const seconds = await stack.kill9(service);
      say(`kill -9 of ${service}: healthy again after ${seconds.toFixed(1)} s`);
    }
  });
  await nothingIsWrong(stack, killing, say);

  const stopping = await underLoad(stack, async () => {
    await sleep(2_000);
    say(`stopped in ${(await stack.stop()).toFixed(1)} s`);
    for (const service of stack.services) await endedInOrder(stack, service);
    say(`all healthy again after ${(await stack.up()).toFixed(0)} s`);
  });
  await nothingIsWrong(stack, stopping, say);

  await stack.down();
  await stack.up();
  const { status } = await getOrder(stack, first);
  if (status !== 'completed') throw new Error(`After down and up the order ${first} is ${status}.`);
  const both = {
    ...emptyLedger(),
    accepted: new Set([...working.accepted, ...killing.accepted, ...stopping.accepted]),
  };
  await nothingIsWrong(stack, both, say);
  say('its data outlived its containers');
}

/** What the containers took, in words: of the processor the mean, of memory the most. */
function taken(usages: readonly ReadonlyMap<string, Usage>[], rate: number): string[] {
  return [...usages[0]!.keys()].map((service) => {
    const seen = usages.map((usage) => usage.get(service)!);
    const processors = seen.reduce((sum, usage) => sum + usage.processors, 0) / seen.length;
    const memory = Math.max(...seen.map(({ mebibytes }) => mebibytes));
    const each = (1_000 * processors) / rate;
    return `${service} at ${rate.toFixed(0)} orders/s: ${processors.toFixed(2)} processors (${each.toFixed(1)} ms an order), at most ${memory.toFixed(0)} MiB`;
  });
}

const ordersUrl = (stack: Stack) => `${stack.url('order-api', 3000)}/orders`;

async function completedOrder(stack: Stack): Promise<string> {
  const order = { user_id: 'user_1', items: [{ product_id: 'prod1', quantity: 2 }], email: 'a@example.com' };
  const response = await fetch(ordersUrl(stack), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify(order),
  });
  if (response.status !== 201) throw new Error(`POST /orders was answered with ${response.status}.`);
  const { order_id } = (await response.json()) as { order_id: string };
  for (;;) {
    const { status } = await getOrder(stack, order_id);
    if (status === 'completed') return order_id;
    if (status === 'cancelled') throw new Error(`The order ${order_id} was cancelled.`);
    await sleep(50);
  }
}

async function getOrder(stack: Stack, id: string): Promise<{ status: string }> {
  return (await (await fetch(`${ordersUrl(stack)}/${id}`)).json()) as { status: string };
}

/** Lets clients place orders while something is done, and until they have seen their last one through. */
async function underLoad(stack: Stack, deed: () => Promise<void>): Promise<Ledger> {
  const ledger = emptyLedger();
  const over = new AbortController();
  const work = Array.from({ length: clients }, () => client([stack.url('order-api', 3000)], ledger, over.signal));
  try {
    await deed();
  } finally {
    over.abort();
  }
  await Promise.all(work);
  return ledger;
}

async function nothingIsWrong(stack: Stack, ledger: Ledger, say: Say): Promise<void> {
  const urls = databasesAt(stack.databaseServer);
  const results = await atRest(urls);
  const { broken } = await outcomes(urls, ledger);
  const wrong = [...broken, ...ledger.surprises, ...(holds(results) ? [] : report(results))];
  if (ledger.accepted.size === 0) wrong.push('no order was accepted');
  if (wrong.length > 0) throw new Error(wrong.slice(0, 30).join('\n'));
  say(
    `${ledger.accepted.size} orders, ${ledger.retried} requests sent again; nothing is lost, and verify finds nothing`,
  );
}

async function endedInOrder(stack: Stack, service: string): Promise<void> {
  const { exitCode } = await stack.container(service);
  // Java and Erlang tell of the signal by which they were told to end.
  if (![0, 143].includes(exitCode)) throw new Error(`${service} was stopped and ended with exit code ${exitCode}.`);
}
