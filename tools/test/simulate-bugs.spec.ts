import { bugs, notice } from '../src/simulate/bugs';
import { loadWorkspace } from '../src/simulate/workspace';

const workspace = loadWorkspace();

test.each(bugs)('is noticed within $within seeds: $name', async (bug) => {
  expect(await notice(workspace, bug)).toMatchObject({ violation: expect.any(String) });
});

test('no two of them have the same name', () => {
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
});
