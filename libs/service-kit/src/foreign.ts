import type { Foreign } from '@order-events/messaging';
import { parseAddress, type ForeignAddress } from './config/bridge';
import { reached } from './config/reached';
import type { Surroundings, TransportConfig } from './transports';

/**
 * Opens the place at which we meet programs of other teams. Nothing is reached yet, and only that broker's client is loaded.
 * @param text an address that was checked with the configuration
 */
export function openForeign(config: TransportConfig, text: string, surroundings: Surroundings): Foreign {
  const address = parseAddress(text)!;
  const onError = (error: Error) => surroundings.onError(new Error(`${text}: ${error.message}`, { cause: error }));
  return open(config, address, { ...surroundings, onError });
}

/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports -- loaded when needed */
function open(config: TransportConfig, address: ForeignAddress, common: Surroundings): Foreign {
  switch (address.transport) {
    case 'kafka': {
      const { KafkaForeign } =
        require('@order-events/transport-kafka') as typeof import('@order-events/transport-kafka');
      return new KafkaForeign({ ...common, ...reached.kafka(config) }, address.topic);
    }
    case 'rabbitmq': {
      const { RabbitmqForeign } =
        require('@order-events/transport-rabbitmq') as typeof import('@order-events/transport-rabbitmq');
      return new RabbitmqForeign({ ...common, ...reached.rabbitmq(config) }, address);
    }
    case 'nats': {
      const { NatsForeign } = require('@order-events/transport-nats') as typeof import('@order-events/transport-nats');
      return new NatsForeign({ ...common, ...reached.nats(config) }, address.topic);
    }
    case 'nsq': {
      const { NsqForeign } = require('@order-events/transport-nsq') as typeof import('@order-events/transport-nsq');
      return new NsqForeign({ ...common, ...reached.nsq(config) }, address.topic);
    }
  }
}
/* eslint-enable */
