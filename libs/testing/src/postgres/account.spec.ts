import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAs, serverAccount } from './account';

let closed: string;
let file: string;
beforeEach(() => {
  closed = mkdtempSync(join(tmpdir(), 'closed-'));
  file = join(closed, 'program');
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  chmodSync(closed, 0o700);
});
afterEach(() => rmSync(closed, { recursive: true }));

test('whoever we are, the server’s account can look at what lies in a directory that only we may enter', () => {
  const { prefix, options } = runAs(serverAccount(), [file]);
  // accessSync is access(2), with which initdb looks for its programs, and which is stricter than opening a file.
  const look = [
    process.execPath,
    '-e',
    `require('fs').accessSync(${JSON.stringify(file)}); process.stdout.write('seen')`,
  ];
  const [program, ...words] = [...prefix, ...look];
  const { stdout, stderr } = spawnSync(program!, words, { ...options, cwd: '/', encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'seen', stderr: '' });
});

test('the account is not root', () => {
  expect(serverAccount()?.uid ?? process.getuid?.()).not.toBe(0);
});
