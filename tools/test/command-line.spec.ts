import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const run = (command: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(__dirname, '..', 'dist', command, 'main.js'), ...args], { encoding: 'utf8' });

describe.each(['start', 'chaos', 'simulate', 'verify'])('%s', (command) => {
  test('tells its options, and does nothing else', () => {
    const { status, stdout, stderr } = run(command, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm (start|run \w+) -- /);
  });

  test('refuses an option that it does not know, and says which there are', () => {
    const { status, stdout, stderr } = run(command, '--does-not-exist');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain("'--does-not-exist'");
    expect(stderr).toContain(run(command, '--help').stdout);
  });
});
