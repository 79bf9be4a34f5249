/* global AbortController */
// The relay's reader in a process of its own, which a test pauses or kills. Each line on stdin is one call.
const { createInterface } = require('node:readline');
const { PostgresStore } = require('../src/postgres/store.ts');

const store = new PostgresStore({ url: process.env.DATABASE_URL, connections: 2, applicationName: 'owner', onError });
const reader = store.outbox();
const calls = {
  // The wake-up connection, by which others see that this process lives, wakes who waits once it is there.
  connect: () => store.wait('outbox', 600_000, new AbortController().signal),
  lease: (ms) => reader.lease(Number(ms)),
  page: async (limit) => (await reader.page(Number(limit))).map(({ key }) => key),
  commit: () => reader.commit([]),
};

function onError(error) {
  throw error;
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [name, argument] = line.split(' ');
  const answer = await calls[name](argument).then(
    (result) => ({ result }),
    (error) => ({ error: error.name }),
  );
  console.log(JSON.stringify(answer));
});
