import { randomUUID } from 'node:crypto';
import type { Foreign, Message, Subscription } from '@order-events/messaging';
import { eventually } from './eventually';

export interface ForeignUnderTest {
  /** A new connection to the same place, as another process would have. */
  connect(): Foreign;
  close(): Promise<void>;
}

/** Takes note of bodies as text. */
const into = (seen: string[]) => (batch: readonly Message[]) => {
  seen.push(...batch.map(({ body }) => Buffer.from(body).toString()));
  return Promise.resolve();
};

const pace = { batch: 10, waitMs: 5, inFlight: 100, parallel: 2 };

/**
 * What every place of other teams must do, with a real broker behind it.
 * @param open at a place that nobody has used before
 * @param takesEmpty whether the broker takes an empty body
 */
export function foreignConformance(name: string, open: () => Promise<ForeignUnderTest>, takesEmpty = true): void {
  describe(`${name} conforms to the foreign port`, () => {
    let test: ForeignUnderTest;
    let opened: Foreign[];
    let subscriptions: Subscription[];
    let group: string;
    const connect = () => {
      const foreign = test.connect();
      opened.push(foreign);
      return foreign;
    };
    const read = async (handle: (batch: readonly Message[]) => Promise<void>, foreign = connect()) => {
      const subscription = await foreign.subscribe({ ...pace, group, handle });
      subscriptions.push(subscription);
      return subscription;
    };
    const publish = async (foreign: Foreign, ...bodies: (string | Uint8Array)[]) => {
      const batch = bodies.map((body) => ({ key: 'k', body: Buffer.from(body) }));
      expect(await foreign.publish(batch)).toEqual(bodies.map(() => ({ stored: true })));
    };
    beforeEach(async () => {
      [opened, subscriptions, group] = [[], [], `g-${randomUUID()}`];
      test = await open();
      await connect().declare(group);
    });
    afterEach(async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      await Promise.all(opened.map((foreign) => foreign.close()));
      await test.close();
    });

    it('keeps bodies for the group as they are, whatever is in them, with nothing around them', async () => {
      const bodies = ['{"order_id":"o1"}', 'hello', Buffer.from([0, 0xff, 0xfe, 10]), '{"specversion":"1.0"}'];
      if (takesEmpty) bodies.push('');
      await publish(connect(), ...bodies);
      const seen: Message[] = [];
      await read((batch) => {
        seen.push(...batch);
        return Promise.resolve();
      });
      await eventually(() => seen.length === bodies.length);
      const sorted = (all: readonly (string | Uint8Array)[]) =>
        all.map((body) => Buffer.from(body).toString('hex')).sort();
      expect(sorted(seen.map(({ body }) => body))).toEqual(sorted(bodies));
      for (const { headers } of seen) expect(headers).toEqual({});
    });

    it('is declared again without any loss', async () => {
      const foreign = connect();
      await publish(foreign, 'one');
      await foreign.declare(group);
      const seen: string[] = [];
      await read(into(seen));
      await publish(foreign, 'two');
      await eventually(() => seen.length === 2);
      expect(seen.sort()).toEqual(['one', 'two']);
    });

    it('delivers again what was not taken, and nothing that was', async () => {
      const foreign = connect();
      let failures = 2;
      const seen: string[] = [];
      const handle = (batch: readonly Message[]) =>
        failures-- > 0 ? Promise.reject(new Error('not now')) : into(seen)(batch);
      const first = await read(handle);
      await publish(foreign, 'one');
      await eventually(() => seen.length === 1);
      await first.close();
      await read(handle);
      await publish(foreign, 'two');
      await eventually(() => seen.includes('two'));
      expect(seen).toEqual(['one', 'two']);
    });

    it('waits with its word until it is handled: who ends before leaves it to another', async () => {
      const foreign = connect();
      let [given, give] = [false, () => {}];
      const stuck = new Promise<void>((_, reject) => (give = () => reject(new Error('ended'))));
      const first = await read(() => {
        given = true;
        return stuck;
      });
      await publish(foreign, 'one');
      await eventually(() => given);
      give();
      await first.close();
      const seen: string[] = [];
      await read(into(seen));
      await eventually(() => seen.includes('one'));
    });
  });
}
