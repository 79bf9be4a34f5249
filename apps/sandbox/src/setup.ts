import { readSetupConfig } from './config';
import { migrate } from './migrate';

async function setup(): Promise<void> {
  const { OWNER_DATABASE_URL, LOGIN_ROLE } = readSetupConfig();
  await migrate(OWNER_DATABASE_URL, LOGIN_ROLE);
}

setup().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
