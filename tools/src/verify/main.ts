import { readState } from '../start';
import { holds, report, verify } from './verify';

/** `npm run verify`: checks the system that runs here; exit code 1 when something does not hold. */
async function main(): Promise<void> {
  const { database_urls } = readState(process.env.DATA_DIR ?? '.data');
  const results = await verify(database_urls);
  for (const line of report(results)) process.stdout.write(`${line}\n`);
  if (!holds(results)) process.exitCode = 1;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
