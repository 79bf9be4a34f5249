// Stands in for the setup of all services: a table in each database, on which the login role may read and write rows.
const { Client } = require('pg');

const { FAKE_SETUP_FAILS, ...env } = process.env;

async function setup(connectionString, loginRole) {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS visits (id bigint GENERATED ALWAYS AS IDENTITY)');
  await client.query(`GRANT SELECT, INSERT ON visits TO ${loginRole}`);
  await client.end();
}

async function setups() {
  if (FAKE_SETUP_FAILS) throw new Error('the migration does not fit');
  for (const [variable, url] of Object.entries(env)) {
    const [, service] = /^(\w+)_OWNER_DATABASE_URL$/.exec(variable) ?? [];
    if (service) await setup(url, service.toLowerCase());
  }
}

setups().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
