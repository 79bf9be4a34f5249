import { runStart } from './command';
import { services } from './services';

runStart(services).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(process.exitCode ?? 1);
});
