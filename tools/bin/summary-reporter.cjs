/** Ends the output of a Jest run with one line, `N passed, N failed`, that names what it would be easy to overlook. */
module.exports = class SummaryReporter {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap(({ testFilePath, testResults }) =>
      testResults
        .filter(({ status }) => status !== 'passed' && status !== 'failed')
        .map(({ fullName, status }) => `${status === 'todo' ? 'TO DO' : 'SKIPPED'}: ${fullName} (${testFilePath})`),
    );
    for (const line of skipped) process.stdout.write(`${line}\n`);
    // A file that could not be run at all has no tests to count.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const counts = [`${results.numPassedTests} passed`, `${failed} failed`];
    if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
    process.stdout.write(`${counts.join(', ')}\n`);
  }
};
