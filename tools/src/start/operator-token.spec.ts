import { get, testSystem, type TestSystem } from '../../test/test-system';
import { readState } from './state';

let fake: TestSystem;
beforeEach(async () => {
  fake = await testSystem();
});
afterEach(() => fake.remove());

/** The tokens that the state file, the system and a service have. */
async function tokens(): Promise<string[]> {
  const { system, dataDirectory } = fake;
  await system.start();
  const found = (await get(`${system.apiUrls[0]}/env`)) as { OPERATOR_TOKEN: string };
  return [readState(dataDirectory).operator_token, system.operatorToken, found.OPERATOR_TOKEN];
}

test.each([
  ['a token of the environment', 'a token that is long enough', /^a token that is long enough$/],
  ['none, which is made and kept', '', /^[0-9a-f]{48}$/],
])('with %s, the tools and the services know the same one', async (_, given, expected) => {
  const replaced = jest.replaceProperty(process, 'env', { ...process.env, OPERATOR_TOKEN: given });
  const [first, ...others] = await tokens().finally(() => replaced.restore());
  expect(first).toMatch(expected);
  expect(others).toEqual([first, first]);
});
