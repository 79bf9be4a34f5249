import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ConfigError, loadConfig, runOnce } from '@order-events/service-kit';
import { setups } from './services';

/** `npm run setup`: the setups of all services whose database it is told, at once, as they would run on a cluster. */
runOnce('setup', async () => {
  const urls = loadConfig(setups.map(({ owner }) => owner));
  const told = setups.filter(({ owner }) => urls[owner] !== undefined);
  if (told.length === 0) throw new ConfigError(setups.map(({ owner }) => `${owner}: one of these must be set`));
  const ends = await Promise.all(told.map(({ file, owner }) => run(file, urls[owner]!)));
  const failed = told.filter((_, index) => ends[index] !== 0).map(({ service }) => service);
  if (failed.length > 0) throw new Error(`failed for ${failed.join(', ')}`);
});

/** Resolves with its exit code; null when a signal ended it. It is ended with this process. */
async function run(file: string, OWNER_DATABASE_URL: string): Promise<number | null> {
  const child = spawn(process.execPath, [file], { env: { ...process.env, OWNER_DATABASE_URL }, stdio: 'inherit' });
  process.once('exit', () => child.kill());
  await once(child, 'exit');
  return child.exitCode;
}
