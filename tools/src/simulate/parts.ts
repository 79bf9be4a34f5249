import type { Service } from '@order-events/contracts';
import {
  Pipeline,
  Relay,
  type EffectHandler,
  type EventHandler,
  type PipelineOptions,
  type RelayOptions,
  type Store,
  type Tables,
  type Transport,
} from '@order-events/messaging';
import type { Replica } from './replica';
import type { Database, OrderRules } from './workspace';

/** Where a part is put in. */
export interface Place {
  service: Service;
  replica: Replica;
  database: Database;
}

/** What a service is made of. A planted bug takes the place of one or two of these; nothing that ships knows of it. */
export interface Parts {
  store(store: Store, place: Place): Store;
  transport(transport: Transport, place: Place): Transport;
  handlers(handlers: readonly EventHandler[], place: Place): readonly EventHandler[];
  effects(handlers: readonly EffectHandler[], place: Place): readonly EffectHandler[];
  pipeline(options: PipelineOptions<Tables>, place: Place): Pick<Pipeline<Tables>, 'handle' | 'retryDue'>;
  relay(options: RelayOptions, place: Place): Pick<Relay, 'run'>;
  rules(rules: OrderRules): OrderRules;
}

export const shipped: Parts = {
  store: (store) => store,
  transport: (transport) => transport,
  handlers: (handlers) => handlers,
  effects: (handlers) => handlers,
  pipeline: (options) => new Pipeline(options),
  relay: (options) => new Relay(options),
  rules: (rules) => rules,
};
