// Runs the tests and says what came of them. On a busy machine a test may fail for what runs beside it, so a file that
// failed in a run of all is run once more by itself, and that counts. It is never done in silence.
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** With more than these there is something the matter that no second run should hide, or prolong. */
const MOST_AGAIN = 8;
const leftoverMs = 10_000;

/**
 * Ends its output with one line, `N passed, N failed`, and sets the exit code.
 * @param root of the workspace
 * @param args for Jest; without any it runs all tests
 */
export async function runTests(root, args) {
  const { buildArgv, runCLI } = createRequire(join(root, 'package.json'))('jest');
  const jest = async (...words) => (await runCLI(await buildArgv(words), [root])).results;

  if (!process.env.BROKER_FAULTS)
    say('Not run: the faults of brokers that take long. BROKER_FAULTS=1 npm test runs them too (ten minutes more).');
  const first = await jest(...args);
  let files = first.testResults;
  const failed = files.filter(hasFailed).map(({ testFilePath }) => testFilePath);
  if (args.length === 0 && failed.length > 0 && failed.length <= MOST_AGAIN) {
    say(`Once more, by ${failed.length === 1 ? 'itself' : 'themselves'}, what failed: ${failed.join(', ')}`);
    const { testResults: again } = await jest('--runInBand', '--runTestsByPath', ...failed);
    const recovered = new Set(again.filter((file) => !hasFailed(file)).map(({ testFilePath }) => testFilePath));
    for (const file of files.filter(({ testFilePath }) => recovered.has(testFilePath)))
      for (const name of failuresOf(file)) process.stdout.write(`UNSTABLE, passed by itself: ${name}\n`);
    const ran = new Set(again.map(({ testFilePath }) => testFilePath));
    files = [...files.filter(({ testFilePath }) => !ran.has(testFilePath)), ...again];
  }
  summarize(files);
  if (files.some(hasFailed) || first.wasInterrupted) process.exitCode = 1;
  // A test that failed halfway may have left something running, and that must not hold up whoever waits for the result.
  setTimeout(() => {
    say('Something that a test left running was ended.');
    process.exit();
  }, leftoverMs).unref();
}

/** A file that could not be run at all has no tests that failed. */
const hasFailed = ({ numFailingTests, testExecError }) => numFailingTests > 0 || testExecError != null;

const failuresOf = ({ testFilePath, testResults }) => {
  const names = testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  return names.length > 0 ? names.map((name) => `${name} (${testFilePath})`) : [testFilePath];
};

/** Names what it would be easy to overlook. */
function summarize(files) {
  const skipped = files.flatMap(({ testFilePath, testResults }) =>
    testResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName, status }) => `${status === 'todo' ? 'TO DO' : 'SKIPPED'}: ${fullName} (${testFilePath})`),
  );
  for (const line of skipped) process.stdout.write(`${line}\n`);
  const sum = (count) => files.reduce((total, file) => total + count(file), 0);
  const counts = [
    `${sum(({ numPassingTests }) => numPassingTests)} passed`,
    `${sum((file) => (hasFailed(file) ? Math.max(1, file.numFailingTests) : 0))} failed`,
  ];
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
  process.stdout.write(`${counts.join(', ')}\n`);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
