import { type BrokerName, brokerNames, speaks } from '@order-events/testing';
import { down } from '../brokers/down';
import { placeOf } from '../brokers/place';
import { up } from '../brokers/up';

export interface Broker {
  /** By which services find it, and their own topics on it. */
  env: Readonly<Record<string, string>>;
  /** Ends it, unless it was there before. */
  end(): Promise<void>;
}

export const noBroker: Broker = { env: {}, end: () => Promise.resolve() };

/**
 * Sees to it that the broker is there that `TRANSPORT` names, if it names one.
 * @param prefix of our topics, unless `TOPIC_PREFIX` says another: a broker keeps what systems with other data have left on it
 */
export async function bringUpBroker(portOffset: number, prefix: string, say: (line: string) => void): Promise<Broker> {
  const name = process.env.TRANSPORT;
  if (!isBroker(name)) return noBroker;
  const place = placeOf(name, { ...process.env, PORT_OFFSET: String(portOffset) });
  const wasThere = await speaks(name, place.env).then(
    () => true,
    () => false,
  );
  await up(place, say);
  return {
    env: { TOPIC_PREFIX: process.env.TOPIC_PREFIX ?? prefix, ...place.env },
    end: async () => {
      if (!wasThere) await down(place, say);
    },
  };
}

function isBroker(name: string | undefined): name is BrokerName {
  return (brokerNames as readonly (string | undefined)[]).includes(name);
}
