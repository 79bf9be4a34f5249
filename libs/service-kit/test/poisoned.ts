// One process of a service whose decision on one order ends it, as a lack of memory would; unless it is MENDED.
import { loadConfig } from '../src/config/load';
import { EventService, SERVICE_SETTINGS } from '../src/service/event-service';
import { runProcess } from '../src/service/lifecycle';
import { consumedBy } from '@order-events/contracts';
import type { EventHandler } from '@order-events/messaging';
import { counters } from '@order-events/testing';

const TOPIC = 'inventory.reserved';
const counting: EventHandler<typeof counters, typeof TOPIC> = {
  topic: TOPIC,
  keys: ({ subject }) => ({ counters: [subject] }),
  decide(rows, { subject }) {
    if (subject === 'poison' && process.env.MENDED !== '1') process.kill(process.pid, 'SIGKILL');
    const row = rows.counters.get(subject)!;
    return { rows: { counters: [{ ...row, version: row.version + 1, count: row.count + 1 }] } };
  },
};
const others = consumedBy('order-api')
  .filter((topic) => topic !== TOPIC)
  .map((topic): EventHandler<typeof counters> => ({ topic, keys: () => ({}), decide: () => ({}) }));

runProcess('poisoned', async (log) => {
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: Number(process.env.OPERATOR_PORT) });
  const service = new EventService<typeof counters>({ service: 'order-api', tables: counters, config, log });
  await service.start([]);
  await service.consume([counting, ...others]);
  log.info('ready');
  return () => service.stop();
});
