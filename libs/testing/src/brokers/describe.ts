import { type BrokerName } from './recipe';
import { recipes } from './recipes';

/**
 * A `describe` for tests against a real broker. Where this machine cannot run it there is one skipped test that says why;
 * with CI in the environment it fails.
 */
export function describeBroker(name: BrokerName, tests: () => void): void {
  describeWhere(name, recipes[name].missing(), tests);
}

/**
 * A `describe` that does the same for whatever a machine may lack.
 * @param reason why it cannot run here; undefined when it can
 */
export function describeWhere(name: string, reason: string | undefined, tests: () => void): void {
  if (reason === undefined) {
    describe(name, tests);
  } else if (process.env.CI) {
    test(`${name} is unavailable`, () => {
      throw new Error(reason);
    });
  } else {
    test.skip(`${name} is unavailable: ${reason}`, () => undefined);
  }
}
