import { runStart } from './command';
import { programs } from './services';

runStart(programs).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(process.exitCode ?? 1);
});
