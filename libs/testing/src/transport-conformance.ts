import { randomUUID } from 'node:crypto';
import type { Message, Subscribe, Subscription, Transport } from '@order-events/messaging';

export interface TransportUnderTest {
  /** A new connection to the same broker, as another process would have. */
  connect(): Transport;
  close(): Promise<void>;
}

/** A message with a number in it; its key has the numbers of one key in order. */
function numbered(topic: string, n: number, keys: number): Message {
  const key = `key-${n % keys}`;
  return {
    topic,
    key,
    headers: { 'ce-id': randomUUID(), 'content-type': 'application/json' },
    body: Buffer.from(String(n)),
  };
}

const numberOf = (message: Message) => Number(Buffer.from(message.body).toString());

/** Collects what a handler gets, and lets a test wait for a state of it. */
class Inbox {
  readonly messages: Message[] = [];
  private readonly watchers = new Set<() => void>();

  readonly handle = (batch: readonly Message[]): Promise<void> => {
    this.add(batch);
    return Promise.resolve();
  };

  add(batch: readonly Message[]): void {
    this.messages.push(...batch);
    for (const watch of this.watchers) watch();
  }

  get numbers(): number[] {
    return this.messages.map(numberOf);
  }

  until(condition: (inbox: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!condition(this)) return;
        this.watchers.delete(watch);
        resolve();
      };
      this.watchers.add(watch);
      watch();
    });
  }
}

/** What every transport must do, with a real broker behind it. */
export function transportConformance(name: string, open: () => Promise<TransportUnderTest>): void {
  describe(`${name} conforms to the transport port`, () => {
    let test: TransportUnderTest;
    let transports: Transport[];
    let subscriptions: Subscription[];
    let topic: string;

    const connect = () => {
      const transport = test.connect();
      transports.push(transport);
      return transport;
    };
    const subscribe = async (transport: Transport, options: Partial<Subscribe> & Pick<Subscribe, 'handle'>) => {
      const defaults = { group: 'g', topics: [topic], batch: 100, waitMs: 5, inFlight: 1000, parallel: 4 };
      const subscription = await transport.subscribe({ ...defaults, ...options });
      subscriptions.push(subscription);
      return subscription;
    };
    const publish = async (transport: Transport, messages: readonly Message[]) =>
      expect(await transport.publish(messages)).toEqual(messages.map(() => ({ stored: true })));
    const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

    beforeAll(async () => {
      test = await open();
    });
    afterAll(() => test.close());
    beforeEach(async () => {
      transports = [];
      subscriptions = [];
      topic = `topic.${randomUUID()}`;
      await connect().declare([{ topic, groups: ['g', 'h'] }]);
    });
    afterEach(async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      await Promise.all(transports.map((transport) => transport.close()));
    });

    it('delivers what was published before and after the first subscription, to each group, once', async () => {
      const publisher = connect();
      await publish(
        publisher,
        range(50).map((n) => numbered(topic, n, 7)),
      );
      const [g, h] = [new Inbox(), new Inbox()];
      await subscribe(connect(), { handle: g.handle });
      await subscribe(connect(), { group: 'h', handle: h.handle });
      await publish(
        publisher,
        range(50, 50).map((n) => numbered(topic, n, 7)),
      );
      for (const inbox of [g, h]) {
        await inbox.until(({ messages }) => messages.length >= 100);
        expect(inbox.numbers.sort((a, b) => a - b)).toEqual(range(100));
      }
    });

    it('takes what nobody consumes, if that was declared', async () => {
      const unclaimed = `topic.${randomUUID()}`;
      const transport = connect();
      await transport.declare([{ topic: unclaimed, groups: [] }]);
      await publish(
        transport,
        range(3).map((n) => numbered(unclaimed, n, 1)),
      );
    });

    it('hands the message over as it was published', async () => {
      const message: Message = {
        topic,
        key: 'key/ü 💶',
        headers: { 'ce-id': randomUUID(), 'ce-odd': 'ü "quoted" \\ 💶', 'content-type': 'application/octet-stream' },
        body: Buffer.from(range(256)),
      };
      const empty = { ...message, headers: { 'ce-id': randomUUID() }, body: Buffer.alloc(0) };
      const large = { ...message, headers: { 'ce-id': randomUUID() }, body: Buffer.alloc(700_000, 'x') };
      const inbox = new Inbox();
      const transport = connect();
      await publish(transport, [message, empty, large]);
      await subscribe(transport, { handle: inbox.handle });
      await inbox.until(({ messages }) => messages.length >= 3);
      const plain = inbox.messages.map(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body) }));
      expect(plain.sort((a, b) => a.body.length - b.body.length)).toEqual([empty, message, large]);
    });

    it('keeps the messages of one key in order and out of two calls at once, where it says so', async () => {
      const transport = connect();
      const count = 500;
      await publish(
        transport,
        range(count).map((n) => numbered(topic, n, 20)),
      );
      const inbox = new Inbox();
      const busy = new Set<string>();
      let overlaps = 0;
      const handle = async (batch: readonly Message[]) => {
        const keys = new Set(batch.map(({ key }) => key));
        for (const key of keys) if (busy.has(key)) overlaps++;
        for (const key of keys) busy.add(key);
        await new Promise(setImmediate);
        for (const key of keys) busy.delete(key);
        inbox.add(batch);
      };
      await subscribe(transport, { handle, batch: 10 });
      await inbox.until(({ messages }) => messages.length >= count);
      const disorder = range(20).filter((k) => {
        const numbers = inbox.messages.filter(({ key }) => key === `key-${k}`).map(numberOf);
        return numbers.some((n, i) => i > 0 && n < numbers[i - 1]!);
      });
      if (transport.capabilities.order === 'key') expect(disorder).toEqual([]);
      else expect(new Set(inbox.numbers).size).toBe(count);
      expect(overlaps).toBe(0);
    });

    it('never has more in flight, in a batch or in parallel than asked', async () => {
      const transport = connect();
      await publish(
        transport,
        range(200).map((n) => numbered(topic, n, 100)),
      );
      const inbox = new Inbox();
      const most = { inFlight: 0, batch: 0, parallel: 0 };
      let [flying, calls] = [0, 0];
      const handle = async (batch: readonly Message[]) => {
        flying += batch.length;
        calls++;
        most.inFlight = Math.max(most.inFlight, flying);
        most.batch = Math.max(most.batch, batch.length);
        most.parallel = Math.max(most.parallel, calls);
        await new Promise(setImmediate);
        flying -= batch.length;
        calls--;
        inbox.add(batch);
      };
      await subscribe(transport, { handle, inFlight: 20, batch: 8, parallel: 3 });
      await inbox.until(({ messages }) => messages.length >= 200);
      expect(most.inFlight).toBeLessThanOrEqual(20);
      expect(most.batch).toBeLessThanOrEqual(8);
      expect(most.parallel).toBeLessThanOrEqual(3);
    });

    it('delivers again what a handler rejects, and loses nothing', async () => {
      const transport = connect();
      await publish(
        transport,
        range(60).map((n) => numbered(topic, n, 10)),
      );
      const inbox = new Inbox();
      let rejections = 3;
      const handle = (batch: readonly Message[]) =>
        rejections-- > 0 ? Promise.reject(new Error('not now')) : inbox.handle(batch);
      await subscribe(transport, { handle, batch: 20 });
      await inbox.until(({ numbers }) => new Set(numbers).size >= 60);
      expect(rejections).toBeLessThan(0);
    });

    it('shares a topic among the members of a group, and gives a leaving one’s share to the others', async () => {
      const publisher = connect();
      const [first, second] = [new Inbox(), new Inbox()];
      const leaving = await subscribe(connect(), { handle: first.handle });
      await subscribe(connect(), { handle: second.handle });
      let sent = 0;
      const send = async (count: number) => {
        await publish(
          publisher,
          range(count, sent).map((n) => numbered(topic, n, 200)),
        );
        sent += count;
      };
      while (first.messages.length === 0 || second.messages.length === 0) {
        const seen = first.messages.length + second.messages.length;
        await send(200);
        await Promise.race([
          first.until(() => first.messages.length + second.messages.length > seen),
          second.until(() => first.messages.length + second.messages.length > seen),
        ]);
      }
      await leaving.close();
      const before = first.messages.length;
      await send(200);
      await second.until(() => new Set([...first.numbers, ...second.numbers]).size >= sent);
      expect(first.messages.length).toBe(before);
    });

    it('waits for running calls when it is closed, and leaves the rest to the next', async () => {
      const transport = connect();
      await publish(
        transport,
        range(30).map((n) => numbered(topic, n, 30)),
      );
      let release = () => {};
      const gate = new Promise<void>((resolve) => (release = resolve));
      const [first, second] = [new Inbox(), new Inbox()];
      let started = () => {};
      const running = new Promise<void>((resolve) => (started = resolve));
      const subscription = await subscribe(transport, {
        batch: 1,
        parallel: 1,
        inFlight: 1,
        handle: async (batch) => {
          started();
          await gate;
          first.add(batch);
        },
      });
      await running;
      const closed = subscription.close();
      release();
      await closed;
      const handled = first.messages.length;
      expect(handled).toBeGreaterThan(0);
      await subscribe(connect(), { handle: second.handle });
      await second.until(() => new Set([...first.numbers, ...second.numbers]).size >= 30);
      expect(first.messages.length).toBe(handled);
    });

    it('tells the backlog of a group', async () => {
      const transport = connect();
      const backlog = () => transport.backlog('g');
      const before = await backlog();
      await publish(
        transport,
        range(12).map((n) => numbered(topic, n, 5)),
      );
      expect((await backlog()) - before).toBe(12);
      const inbox = new Inbox();
      const subscription = await subscribe(transport, { handle: inbox.handle });
      await inbox.until(({ messages }) => messages.length >= 12);
      await subscription.close();
      expect((await backlog()) - before).toBe(0);
    });

    it('broadcasts to every follower what comes from now on', async () => {
      const publisher = connect();
      await publish(publisher, [numbered(topic, -1, 1)]);
      const inboxes = [new Inbox(), new Inbox()];
      for (const inbox of inboxes) await subscribe(connect(), { group: null, handle: inbox.handle });
      for (let n = 0; inboxes.some(({ messages }) => messages.length === 0); n++) {
        await publish(publisher, [numbered(topic, n, 1)]);
        await new Promise(setImmediate);
      }
      await publish(publisher, [numbered(topic, 1_000_000, 1)]);
      for (const inbox of inboxes) {
        await inbox.until(({ numbers }) => numbers.includes(1_000_000));
        expect(inbox.numbers).not.toContain(-1);
      }
    });
  });
}
