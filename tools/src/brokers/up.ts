import {
  BrokerInstance,
  BrokerUnavailable,
  checkPort,
  pidsIn,
  recipes,
  type Say,
  speaks,
  withLock,
} from '@order-events/testing';
import { dockerAnswers, dockerUp, haveImages } from './docker';
import { addressOf, type Place } from './place';

/**
 * Sees to it that the broker speaks where its variables say: uses one that does already, else starts one in Docker, else
 * one without. Rejects with what is in the way and what to do about it, and with nothing new left running.
 */
export async function up(place: Place, say: Say): Promise<void> {
  const { name, env, directory, elsewhere } = place;
  await withLock(`${directory}.lock`, async () => {
    const found = await speaks(name, env).catch(() => undefined);
    if (found !== undefined) {
      say(`${name} answers at ${addressOf(place)} already${found === '?' ? '' : `, version ${found}`}; it is used`);
    } else {
      if (elsewhere) throw new Error(elsewhere);
      await checkPorts(place);
      const started = performance.now();
      if ((await dockerAnswers()) && (await haveImages(place, say))) await dockerUp(place, say);
      else await nativeUp(place, say);
      say(`${name} is up at ${addressOf(place)} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  });
  say(
    `  ${Object.entries(env)
      .map(([variable, value]) => `${variable}=${value}`)
      .join(' ')}`,
  );
}

/** The one without Docker. Rejects with BrokerUnavailable when this machine cannot run it. */
export function nativeBroker({ name, directory, ports }: Place, say: Say): Promise<BrokerInstance> {
  const { brokers } = recipes[name];
  return BrokerInstance.create({ name, directory, ports, brokers, secure: false, say });
}

async function nativeUp(place: Place, say: Say): Promise<void> {
  try {
    const broker = await nativeBroker(place, say);
    say(`Starting ${broker.name} ${broker.version} …`);
    await broker.start().catch(async (error: Error) => {
      await broker.stop();
      throw error;
    });
  } catch (error) {
    if (!(error instanceof BrokerUnavailable)) throw error;
    throw new Error(`${error.message}\nOr start a Docker engine: no engine answers "docker version".`);
  }
}

/** What still runs of an `up` that was interrupted is not in its own way. */
async function checkPorts({ name, ports, directory }: Place): Promise<void> {
  if (Object.keys(pidsIn(directory)).length > 0) return;
  for (const [use, port] of Object.entries(ports)) {
    await checkPort(port).catch((error: NodeJS.ErrnoException) => {
      throw new Error(
        error.code === 'EADDRINUSE'
          ? `Port ${port} (${use}), for ${name}, is in use by something else. End it, or set PORT_OFFSET.`
          : `Port ${port} (${use}), for ${name}, cannot be used: ${error.message}`,
      );
    });
  }
}
