import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bugs, notice, plantedBugsDocs } from '../src/simulate/bugs';
import { loadWorkspace } from '../src/simulate/workspace';

const workspace = loadWorkspace();

test.each(bugs)('is noticed within $within seeds: $name', async (bug) => {
  expect(await notice(workspace, bug)).toMatchObject({ violation: expect.any(String) });
});

test('no two of them have the same name', () => {
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
});

// If it fails: npm run docs
test('docs/planted-bugs.md is what they make', () => {
  expect(readFileSync(join(__dirname, '../../docs/planted-bugs.md'), 'utf8')).toBe(plantedBugsDocs(bugs));
});
