import { acknowledgingFirstTests } from './acknowledging-first';
import { backlogTests } from './backlog';
import { Bench, type TransportUnderTest } from './bench';
import { callTests } from './calls';
import { claimTests } from './claims';
import { closingTests } from './closing';
import { foreignTests } from './foreign';
import { groupTests } from './groups';
import { membershipTests } from './membership';
import { publishingTests } from './publishing';
import { rpcTests } from './rpc';

export type { TransportUnderTest } from './bench';

/** What every transport must do, with a real broker behind it. */
export function transportConformance(name: string, open: () => Promise<TransportUnderTest>): void {
  describe(`${name} conforms to the transport port`, () => {
    let test: TransportUnderTest;
    let bench: Bench;
    beforeAll(async () => {
      test = await open();
    });
    afterAll(() => test.close());
    beforeEach(async () => {
      bench = new Bench(test);
      await bench.declare([bench.group, bench.otherGroup]);
    });
    afterEach(() => bench.close());

    const current = () => bench;
    publishingTests(current);
    foreignTests(current);
    groupTests(current);
    membershipTests(current);
    callTests(current);
    claimTests(current);
    closingTests(current);
    backlogTests(current);
    acknowledgingFirstTests(current);
    rpcTests(current);
  });
}
