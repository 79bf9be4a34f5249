import { runStart } from '../src/start/command';
import { fakeServices } from './test-system';

runStart(fakeServices).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(process.exitCode ?? 1);
});
