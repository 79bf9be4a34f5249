/* global setImmediate, setInterval */
// A service reduced to how it starts and stops; what it is to do stands in its arguments.
const { loadConfig } = require('../src/config/load.ts');
const { runProcess } = require('../src/service/lifecycle.ts');

const parts = {
  config: () => loadConfig(['PORT', 'DATABASE_URL', 'GATEWAY_URL']),
  broken: () => {
    throw new Error('the port is taken');
  },
  secrets: (log) => {
    const order = { order_id: 'o1', payment_token: 'hunter2' };
    log.info({ order, payment_token: 'hunter2', headers: { authorization: 'hunter2' }, db: { password: 'hunter2' } });
  },
};
const ends = {
  clean: () => Promise.resolve(),
  unclean: () => Promise.reject(new Error('the database is away')),
};

const [part, end = 'clean'] = process.argv.slice(2);
runProcess('fake', async (log) => {
  parts[part]?.(log);
  // Signals count from the moment in which `runProcess` has returned.
  await new Promise(setImmediate);
  // Without it nothing would keep this process alive.
  setInterval(() => undefined, 60_000);
  log.info('ready');
  return ends[end];
});
