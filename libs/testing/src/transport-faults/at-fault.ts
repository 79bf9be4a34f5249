import type { Transport } from '@order-events/messaging';
import { addressesIn, brokerVariables, type PrivateBroker } from '../brokers';
import { FaultProxy } from '../fault-proxy';

/** The processes that carry the messages; nobody else uses them. */
export interface Killable {
  /** kill -9. Resolves when they are gone. */
  kill(): Promise<void>;
  /** Ends them in order. */
  stop(): Promise<void>;
  /** Starts what is not alive, on the same data and ports. Resolves when it does its work. */
  start(): Promise<void>;
  /** Ends them and deletes their data. */
  remove(): Promise<void>;
}

/** A broker that faults may be done to, and two ways to it. */
export interface BrokerAtFault {
  broker: Killable;
  /** The way on which the network goes bad. Of several servers it leads to one. */
  proxy: FaultProxy;
  /** The way past it: `host:port`, of several servers with commas between. */
  direct: string;
}

export interface Connecting {
  /** `host:port`, likewise. */
  address: string;
  /** Goes before all names. */
  prefix: string;
  onError(error: Error): void;
}

export interface TransportAtFault extends BrokerAtFault {
  /** A new connection, as another process would have. */
  connect(connecting: Connecting): Transport;
  /** Resolves when what was declared until now outlives a kill -9; where the broker's own answer says so it is not needed. */
  declarationsAreKept?(): Promise<void>;
  /** Of what was stored, the most that one kill -9 may cost while all of it is under way. None where nothing is said. */
  lostPerKill?: number;
}

/** Puts a network that may be bad before the first server of a private broker. */
export async function brokerAtFault(broker: PrivateBroker): Promise<BrokerAtFault> {
  const addresses = addressesIn(broker.env[brokerVariables[broker.name][0]!]!);
  const direct = addresses.map(({ host, port }) => `${host}:${port}`).join(',');
  return { broker, proxy: await FaultProxy.to(addresses[0]!), direct };
}
