import { auditContract } from './audit';
import { effectsContract } from './effects';
import { inboxContract } from './inbox';
import { outboxContract } from './outbox';
import { presenceContract } from './presence';
import { rowsContract } from './rows';
import { scheduleContract } from './schedule';
import type { StoreUnderTest, TwoStores } from './under-test';

export { applied, entry, message, retrying } from './samples';
export * from './tables';
export type { StoreUnderTest } from './under-test';

/** What every store must do. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store contract`, () => {
    let test: StoreUnderTest;
    beforeEach(async () => {
      test = await open();
    });
    afterEach(() => test.close());

    const under: TwoStores = {
      get store() {
        return test.store;
      },
      get other() {
        return test.other;
      },
      another: () => test.another(),
      moveHorizon: (before) => test.moveHorizon(before),
    };
    rowsContract(under);
    inboxContract(under);
    effectsContract(under);
    outboxContract(under);
    scheduleContract(under);
    auditContract(under);
    presenceContract(under);
  });
}
