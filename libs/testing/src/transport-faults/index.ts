import { eventually } from '../eventually';
import { absenceTests } from './absence';
import type { TransportAtFault } from './at-fault';
import { blackHoleTests } from './black-hole';
import { cuttingTests } from './cutting';
import { killingTests } from './killing';
import { leavingTests } from './leaving';
import { Scene } from './scene';

export * from './at-fault';

/** What every transport must survive, with a broker of its own behind a network that may be bad. */
export function transportFaults(name: string, open: () => Promise<TransportAtFault>): void {
  const title = `the broker of ${name}`;
  describe(title, () => {
    let test: TransportAtFault;
    let scene: Scene;
    let before: number;
    const accounts: string[] = [];
    beforeAll(async () => {
      test = await open();
    });
    afterAll(async () => {
      console.info([`${title}: in messages,`, ...accounts].join('\n'));
      await test.proxy.close();
      await test.broker.remove();
    });
    beforeEach(() => {
      before = sockets();
      scene = new Scene(test, `test${accounts.length}.`);
    });
    afterEach(async () => {
      const { published, proved, lost, unproved, again } = scene.load.account;
      const { mayComeAgain } = scene;
      const what = expect.getState().currentTestName!.split(title)[1]!.trim();
      accounts.push(
        `${published} published, ${proved} proved, ${lost} lost, ${unproved} unproved, ${again} again of at most ${mayComeAgain}: ${what}`,
      );
      await test.proxy.heal();
      await test.broker.start();
      await scene.close();
      await eventually(() => sockets() <= before);
      expect(again).toBeLessThanOrEqual(mayComeAgain);
    });

    const current = () => scene;
    killingTests(current);
    cuttingTests(current);
    leavingTests(current);
    blackHoleTests(current);
    absenceTests(current);
  });
}

const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
