// Stands in for a service: listens on its ports, is ready when its database answers, tells its environment.
const { createServer } = require('node:http');
const { Pool } = require('pg');

const { HOST, DATABASE_URL, FAKE_CRASHES, FAKE_STUBBORN } = process.env;
if (FAKE_CRASHES) throw new Error('the configuration is wrong');

const pool = new Pool({ connectionString: DATABASE_URL });
pool.on('error', () => undefined);

const routes = {
  '/readyz': () => pool.query('SELECT 1'),
  '/env': () => process.env,
  '/visit': async () => (await pool.query('INSERT INTO visits DEFAULT VALUES RETURNING id')).rows[0],
  '/visits': async () => (await pool.query('SELECT count(*)::int FROM visits')).rows[0].count,
  '/drop': () => pool.query('DROP TABLE visits'),
};

for (const variable of ['PORT', 'OPERATOR_PORT', 'SMTP_PORT']) {
  if (!process.env[variable]) continue;
  createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await routes[request.url]()));
    } catch (error) {
      response.writeHead(503).end(JSON.stringify(error.message));
    }
  }).listen(Number(process.env[variable]), HOST);
}

process.on('SIGTERM', () => {
  if (!FAKE_STUBBORN) process.exit(0);
});
process.on('disconnect', () => process.exit(0));
console.log('listening');
