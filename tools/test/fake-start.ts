import { runStart } from '../src/start/command';
import { fakePrograms } from './test-system';

runStart(fakePrograms).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(process.exitCode ?? 1);
});
