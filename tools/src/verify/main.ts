import { readOptions } from '../command-line';
import { readState } from '../start';
import { databasesAt } from './databases';
import { holds, report, verify } from './verify';

const USAGE = `Usage: npm run verify -- [--server postgres://user:password@host:port]

Checks the system that npm start runs here, or the one whose databases are on that server. It must be at rest.`;

/**
 * `npm run verify`: checks the system that `npm start` runs here, or with `--server postgres://user:password@host:port` one
 * whose databases are on that server. Exit code 1 when something does not hold.
 */
async function main(): Promise<void> {
  const values = readOptions(USAGE, { server: { type: 'string' } });
  const results = await verify(
    values.server ? databasesAt(values.server) : readState(process.env.DATA_DIR ?? '.data').database_urls,
  );
  for (const line of report(results)) process.stdout.write(`${line}\n`);
  if (!holds(results)) process.exitCode = 1;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
