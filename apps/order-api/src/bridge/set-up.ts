import { openForeign, untilItSucceeds, type Config, type TransportConfig } from '@order-events/service-kit';
import { BRIDGE, declareReaders, forgetReader, type Database } from '@order-events/store';
import { groupOf } from './bridge';

type BridgeConfig = TransportConfig & Config<'BRIDGE_IN' | 'BRIDGE_OUT'>;

/** Makes what the bridge stands on: the places at the brokers, and its own in the outbox, which it loses when it is off. */
export async function setUpBridge(database: Database, config: BridgeConfig): Promise<void> {
  const { BRIDGE_IN, BRIDGE_OUT } = config;
  if (BRIDGE_OUT === undefined) await forgetReader(database, BRIDGE);
  else await declareReaders(database, new Map([[BRIDGE, ['order.created']]]));
  if (BRIDGE_IN !== undefined) await declare(config, BRIDGE_IN, groupOf(config));
  if (BRIDGE_OUT !== undefined) await declare(config, BRIDGE_OUT);
}

async function declare(config: TransportConfig, address: string, group?: string): Promise<void> {
  // What is tried again by itself shows in what is declared, or does not matter.
  const onError = ({ message }: Error) => void process.stdout.write(`${message}\n`);
  const foreign = openForeign(config, address, { applicationName: 'setup', onError });
  try {
    await untilItSucceeds(address, () => foreign.declare(group));
  } catch (error) {
    // A broker of other teams must not keep ours from being set up.
    const { message } = error as Error;
    process.stdout.write(`NOT SET UP: ${address}: ${message}. All else is; set up again when that broker answers.\n`);
  } finally {
    await foreign.close();
  }
}
