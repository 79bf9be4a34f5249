import { consumedBy, type Service } from '@order-events/contracts';
import { tenTries, type Consumer, type EventHandler, type Tables, type Topic } from '@order-events/messaging';

/** A consumer that takes all events of the service's topics into its inbox, and does nothing else with them. */
export function takesEverything(group: Service): Consumer<Tables> {
  const handlers = new Map<Topic, EventHandler>(
    consumedBy(group).map((topic) => [topic, { topic, keys: () => ({}), decide: () => ({}) }]),
  );
  return { group, source: `/${group}`, maxEventBytes: 1_000_000, tables: {}, handlers, retry: tenTries };
}
