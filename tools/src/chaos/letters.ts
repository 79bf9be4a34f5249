import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '@order-events/contracts';
import type { System } from '../start';
import { openDatabases } from '../verify';
import { POISON_KEY, type Poison, type Wire } from './wire';

/** A broker that was killed may have lost it, as it may lose an event, which the delivery audit would send again. */
const AGAIN_MS = 30_000;
const PATIENCE_MS = 180_000;

/**
 * Waits until each message that nobody can read is a dead letter of each group that it was for, and gives those up as an operator would.
 * @returns what is not as it should be
 */
export async function giveUpPoison(system: System, wire: Wire): Promise<string[]> {
  const started = performance.now();
  let missing = await notDead(system, wire.poison);
  for (let again = started + AGAIN_MS; missing.length > 0; missing = await notDead(system, missing)) {
    if (performance.now() - started > PATIENCE_MS) break;
    if (performance.now() > again) {
      // The same bytes have the same id: they are no second letter.
      await wire.publish(missing.map(({ message }) => message));
      again = performance.now() + AGAIN_MS;
    }
    await sleep(500);
  }
  const problems = missing.map(({ id, groups, message: { topic } }) => {
    return `what nobody can read of ${topic} (${id}) is no dead letter of ${groups.join(', ')}`;
  });
  for (const group of new Set(wire.poison.flatMap(({ groups }) => groups))) await discard(system, group);
  return problems;
}

/** With the groups that do not have it yet. */
async function notDead({ databaseUrls }: System, poison: readonly Poison[]): Promise<Poison[]> {
  if (poison.length === 0) return [];
  const { ask, close } = await openDatabases(databaseUrls);
  try {
    const dead = async (group: Service) => {
      const sql = `SELECT id FROM inbox WHERE consumer_group = '${group}' AND state = 'dead'`;
      return new Set((await ask<{ id: string }>(group.replace('-', '_'), sql)).map(({ id }) => id));
    };
    const open: Poison[] = [];
    for (const one of poison) {
      const groups: Service[] = [];
      for (const group of one.groups) if (!(await dead(group)).has(one.id)) groups.push(group);
      if (groups.length > 0) open.push({ ...one, groups });
    }
    return open;
  } finally {
    await close();
  }
}

async function discard(system: System, group: Service): Promise<void> {
  const { ports } = system.instances.find(({ service }) => service.database === group.replace('-', '_'))!;
  const response = await fetch(`http://${system.host}:${ports.OPERATOR_PORT}/dead-letters/discard`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${system.operatorToken}` },
    body: JSON.stringify({ group, key: POISON_KEY, actor: 'chaos', reason: 'published by chaos itself' }),
  });
  if (!response.ok) throw new Error(`discarding dead letters of ${group}: ${response.status} ${await response.text()}`);
}
