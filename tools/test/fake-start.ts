import { runStart } from '../src/start/command';
import { fakeServices } from './fake-system';

runStart(fakeServices).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(process.exitCode ?? 1);
});
