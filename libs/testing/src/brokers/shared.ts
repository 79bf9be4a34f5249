import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock';
import { privateBroker } from './private';
import type { BrokerName } from './recipe';
import { runDirectory } from './run';

export interface SharedBroker {
  name: BrokerName;
  /** The environment variables by which a service finds it, with a TOPIC_PREFIX that no other caller gets. */
  env: Readonly<Record<string, string>>;
}

/**
 * The broker that all tests of a run share. The first who asks starts it, whoever asks meanwhile waits for it, and the end
 * of the run ends it. Tests that kill a broker, cut it off or look at all that is on it use a private one.
 * Rejects with BrokerUnavailable when this machine cannot run it.
 */
export async function sharedBroker(name: BrokerName): Promise<SharedBroker> {
  const directory = runDirectory();
  const started = join(directory, `shared-${name}.json`);
  const env = await withLock(join(directory, `shared-${name}.lock`), async () => {
    if (!existsSync(started)) writeFileSync(started, JSON.stringify((await privateBroker(name)).env));
    return JSON.parse(readFileSync(started, 'utf8')) as Record<string, string>;
  });
  return { name, env: { ...env, TOPIC_PREFIX: `t${randomBytes(5).toString('hex')}.` } };
}
