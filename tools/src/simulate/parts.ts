import { audiences, type Service } from '@order-events/contracts';
import {
  DeliveryAudit,
  Pipeline,
  Relay,
  type AuditStore,
  type DeliveryAuditOptions,
  type EffectHandler,
  type EventHandler,
  type PipelineOptions,
  type RelayOptions,
  type Tables,
  type Transport,
} from '@order-events/messaging';
import type { Replica } from './replica';
import type { AuditedStore, Database, OrderRules } from './workspace';

/** Where a part is put in. */
export interface Place {
  service: Service;
  replica: Replica;
  database: Database;
}

/** What a service is made of. A planted bug takes the place of one or two of these; nothing that ships knows of it. */
export interface Parts {
  store(store: AuditedStore, place: Place): AuditedStore;
  transport(transport: Transport, place: Place): Transport;
  handlers(handlers: readonly EventHandler[], place: Place): readonly EventHandler[];
  effects(handlers: readonly EffectHandler[], place: Place): readonly EffectHandler[];
  pipeline(options: PipelineOptions<Tables>, place: Place): Pick<Pipeline<Tables>, 'handle' | 'retryDue'>;
  relay(options: RelayOptions, place: Place): Pick<Relay, 'run'>;
  /** The groups that a service audits, each with the topics that it is audited for. */
  audiences(service: Service): ReadonlyMap<string, readonly string[]>;
  audit(options: DeliveryAuditOptions, place: Place): Pick<DeliveryAudit, 'topics' | 'take' | 'run'>;
  /** What an operator does about a group that has forgotten what it held. */
  again(audit: AuditStore, group: Service, since: Date): Promise<boolean>;
  rules(rules: OrderRules): OrderRules;
}

export const shipped: Parts = {
  store: (store) => store,
  transport: (transport) => transport,
  handlers: (handlers) => handlers,
  effects: (handlers) => handlers,
  pipeline: (options) => new Pipeline(options),
  relay: (options) => new Relay(options),
  audiences,
  audit: (options) => new DeliveryAudit(options),
  again: (audit, group, since) => audit.again(group, since),
  rules: (rules) => rules,
};
