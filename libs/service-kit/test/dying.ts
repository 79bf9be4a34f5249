// One process of email that counts orders that are completed, with the DELIVERY that it is given. DIES=before: while it decides;
// DIES=after: when what it has decided is committed, and nobody has heard of it.
import { loadConfig } from '../src/config/load';
import { EventService, SERVICE_SETTINGS } from '../src/service/event-service';
import { runProcess } from '../src/service/lifecycle';
import { consumedBy, topology, type WeakDelivery } from '@order-events/contracts';
import type { EventHandler } from '@order-events/messaging';
import { counters } from '@order-events/testing';

const TOPIC = 'order.completed';
const { DELIVERY, DIES, OPERATOR_PORT } = process.env;
const die = () => process.kill(process.pid, 'SIGKILL');

// What a user writes into topology.ts.
if (DELIVERY !== 'effectively-once')
  Object.assign(topology[TOPIC].subscriptions, { email: { delivery: DELIVERY as WeakDelivery } });

let hasDecided = false;
const counting: EventHandler<typeof counters, typeof TOPIC> = {
  topic: TOPIC,
  keys: ({ subject }) => ({ counters: [subject] }),
  decide(rows, { subject }) {
    if (DIES === 'before') die();
    hasDecided = true;
    const row = rows.counters.get(subject)!;
    return { rows: { counters: [{ ...row, version: row.version + 1, count: row.count + 1 }] } };
  },
};
const others = consumedBy('email')
  .filter((topic) => topic !== TOPIC)
  .map((topic): EventHandler<typeof counters> => ({ topic, keys: () => ({}), decide: () => ({}) }));

runProcess('dying', async (log) => {
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: Number(OPERATOR_PORT) });
  const service = new EventService<typeof counters>({ service: 'email', tables: counters, config, log });
  const { store } = service;
  const transact = store.transact.bind(store);
  store.transact = async (work) => {
    const result = await transact(work);
    if (hasDecided && DIES === 'after') die();
    return result;
  };
  await service.start([]);
  await service.consume([counting, ...others]);
  log.info('ready');
  return () => service.stop();
});
