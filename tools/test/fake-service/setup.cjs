// Stands in for a service's setup: a table of its own, on which the login role may read and write rows.
const { Client } = require('pg');

const { OWNER_DATABASE_URL, LOGIN_ROLE, FAKE_SETUP_FAILS } = process.env;

async function setup() {
  if (FAKE_SETUP_FAILS) throw new Error('the migration does not fit');
  const client = new Client({ connectionString: OWNER_DATABASE_URL });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS visits (id bigint GENERATED ALWAYS AS IDENTITY)');
  await client.query(`GRANT SELECT, INSERT ON visits TO ${LOGIN_ROLE}`);
  await client.end();
}

setup().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
