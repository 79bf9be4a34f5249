import { randomUUID } from 'node:crypto';
import type { Message } from '@order-events/messaging';
import { eventually } from '../eventually';
import type { Bench } from './bench';
import { RpcBench } from './rpc-bench';

export function rpcTests(current: () => Bench): void {
  describe('carries requests and replies', () => {
    let rpc: RpcBench;
    beforeEach(async () => {
      rpc = new RpcBench(current());
      await rpc.declare();
    });
    afterEach(() => rpc.close());

    it('to a thousand who ask at once, each its own', async () => {
      await rpc.responder((product) => Promise.resolve(Number(product) % 10));
      const { ask } = await rpc.untilAnswered();
      const products = Array.from({ length: 1_000 }, (_, n) => String(n));
      expect(await Promise.all(products.map((product) => ask(product)))).toEqual(
        products.map((product) => ({ product, available: Number(product) % 10 })),
      );
    });

    it('to several processes of one service, each its own', async () => {
      await rpc.responder();
      const callers = [await rpc.untilAnswered(), await rpc.untilAnswered()];
      const asked = callers.flatMap(({ ask }, i) => Array.from({ length: 50 }, (_, n) => ask(`${i}-${n}`)));
      const products = (await Promise.all(asked)).map(({ product }) => product);
      expect(products).toEqual([0, 1].flatMap((i) => Array.from({ length: 50 }, (_, n) => `${i}-${n}`)));
      expect(callers.map(({ notes }) => notes.late)).toEqual([0, 0]);
    });

    it('from several who share what is asked, until they have gone', async () => {
      const answer = () => new Promise<number>((resolve) => setImmediate(resolve, 1));
      const [first, second] = [await rpc.responder(answer), await rpc.responder(answer)];
      const { ask, failure } = await rpc.untilAnswered();
      await eventually(async () => {
        // More than one takes at once.
        await Promise.all(Array.from({ length: 1_000 }, (_, n) => ask(n)));
        return first.notes.answers > 0 && second.notes.answers > 0;
      });
      await first.close();
      const before = first.notes.answers;
      await Promise.all(Array.from({ length: 50 }, (_, n) => ask(n)));
      expect(first.notes.answers).toBe(before);
      await second.close();
      await eventually(async () => (await failure(5_000)) === 'no_responder');
    });

    it('and says at once that nobody is there to reply, and leaves nothing behind', async () => {
      const { failure } = rpc.caller();
      expect(await failure()).toBe('no_responder');
      expect(await rpc.bench.connect().backlog(rpc.group)).toBe(0);
    });

    it('no longer than they are waited for, and then drops and counts what comes late', async () => {
      let held = 0;
      const gate = rpc.gate();
      await rpc.responder(async (product) => {
        if (product === 'x') {
          held++;
          await gate.opened;
        }
        return 1;
      });
      const { ask, failure, notes } = rpc.caller();
      await eventually(async () => (await failure(500)) === 'timeout' && held > 0);
      expect(notes.late).toBe(0);
      gate.open();
      await eventually(() => notes.late > 0);
      expect(await ask('y')).toEqual({ product: 'y', available: 1 });
    });

    it('to nobody who has asked before a restart', async () => {
      const requests: Message[] = [];
      const member = await rpc.member((batch) => Promise.resolve(void requests.push(...batch)));
      const before = rpc.caller();
      await eventually(async () => (await before.failure(500)) === 'timeout' && requests.length > 0);
      await before.close();
      await member.close();
      await rpc.responder();
      const { ask, notes } = await rpc.untilAnswered();
      const late = requests.map(({ headers, body }) => ({ headers: { ...headers, 'ce-id': randomUUID() }, body }));
      for (const request of late) await rpc.publish('asked', request);
      // Its own reply comes after those, or at least they are on their way: none of them is taken for one of its own.
      expect(await ask('mine')).toEqual({ product: 'mine', available: 1 });
      expect(notes.late).toBe(0);
    });

    it('from another, when one who was asked goes without a reply', async () => {
      let died = 0;
      const dying = await rpc.member(() => {
        died++;
        return Promise.reject(new Error('killed'));
      });
      const { ask, failure } = rpc.caller();
      await eventually(async () => (await failure(500)) === 'timeout' && died > 0);
      const asked = ask('y');
      const reply = expect(asked).resolves.toEqual({ product: 'y', available: 1 });
      await rpc.responder();
      await dying.close();
      await reply;
    });

    it('and why there is none, where it was refused', async () => {
      await rpc.responder((product) => (product === 'x' ? Promise.reject(new Error('not x')) : Promise.resolve(1)));
      const { ask, failure, problem } = rpc.caller();
      await eventually(async () => (await failure(5_000)) === 'refused');
      expect(await problem()).toEqual({ type: 'urn:test:problem', status: 500, detail: 'not x' });
      expect(await ask('y')).toEqual({ product: 'y', available: 1 });
    });

    it('and passes over what is no request, or one that nobody waits for any more', async () => {
      const requests: Message[] = [];
      const member = await rpc.member((batch) => Promise.resolve(void requests.push(...batch)));
      const caller = rpc.caller();
      await eventually(async () => (await caller.failure(500)) === 'timeout' && requests.length > 0);
      await member.close();
      const { notes } = await rpc.responder();
      await eventually(async () => (await caller.failure(5_000)) === undefined);
      const { headers, body } = requests[0]!;
      const of = (more: Record<string, string>) => ({ headers: { ...headers, 'ce-id': randomUUID(), ...more }, body });
      const { answers } = notes;
      notes.unansweredFor.length = 0;
      await rpc.publish('asked', { headers: {}, body: Buffer.from('garbage') });
      await rpc.publish('asked', of({ 'ce-type': 'no.question' }));
      await rpc.publish('asked', of({ 'ce-source': '/nobody' }));
      await rpc.publish('asked', of({ 'ce-expirytime': '2020-01-01T00:00:00.000Z' }));
      await eventually(() => notes.unansweredFor.length >= 4);
      expect(notes.unansweredFor.sort()).toEqual(['expired', 'unreadable', 'unreadable', 'unreadable']);
      expect(notes.answers).toBe(answers);
      await rpc.publish('asked', of({ 'ce-type': 'no.question.request', 'ce-subject': 'somebody' }));
      await eventually(() => notes.answers > answers);
    });

    it('and tells who asked when what comes back is no reply', async () => {
      const strange: { headers: Record<string, string>; body: Uint8Array }[] = [];
      const reply = (request: Message) => ({
        headers: {
          ...{ 'ce-specversion': '1.0', 'content-type': 'application/json', 'ce-id': randomUUID() },
          ...{ 'ce-subject': request.headers['ce-subject']!, 'ce-causationid': request.headers['ce-id']! },
        },
        body: Buffer.from('garbage'),
      });
      await rpc.member(async (batch) => {
        for (const request of batch) {
          strange.push(reply(request));
          await rpc.publish('asking', strange.at(-1)!);
        }
      });
      const { failure } = rpc.caller();
      await eventually(async () => (await failure(5_000)) === 'unreadable');
    });
  });
}
