import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describeBroker, eventually } from '@order-events/testing';
import { TestKafka } from '../test/kafka';
import { message } from '../test/message';

describeBroker('kafka', () => {
  let kafka: TestKafka;
  beforeEach(async () => {
    kafka = await TestKafka.shared();
  });
  afterEach(() => kafka.close());

  test('connections that have nothing to do take no time', async () => {
    const transport = await kafka.declared();
    interface Queue {
      checkPendingRequests(): void;
      throttleCheckTimeoutId: NodeJS.Timeout | null;
    }
    const { prototype } = jest.requireActual<{ prototype: Queue }>('kafkajs/src/network/requestQueue');
    const looks = jest.spyOn(prototype, 'checkPendingRequests');
    await transport.publish([message('k')]);
    // Left alone the client plans another look a millisecond after each look, for ever.
    const queues = looks.mock.contexts as unknown as Queue[];
    await eventually(() => queues.length > 0 && queues.every(({ throttleCheckTimeoutId }) => !throttleCheckTimeoutId));
    looks.mockRestore();
  });

  test('a process whose transport was closed ends by itself', async () => {
    await kafka.declared();
    const program = `
      const { KafkaTransport } = require(${JSON.stringify(join(__dirname, 'transport.ts'))});
      const options = ${JSON.stringify({ brokers: kafka.brokers, prefix: kafka.prefix, applicationName: 'test' })};
      (async () => {
        const transport = new KafkaTransport({ ...options, onError: console.error });
        let got = () => {};
        const some = new Promise((resolve) => (got = resolve));
        const subscribe = { topics: ['things'], batch: 10, waitMs: 0, inFlight: 10, parallel: 1 };
        const one = await transport.subscribe({ ...subscribe, group: 'g', handle: async () => got() });
        const two = await transport.subscribe({ ...subscribe, group: null, handle: async () => {} });
        await transport.publish([{ topic: 'things', key: 'k', headers: {}, body: Buffer.from('{}') }]);
        await some;
        console.log(await transport.backlog('g') >= 0);
        await Promise.all([one.close(), two.close()]);
        await transport.close();
      })();`;
    const load = join(__dirname, '..', '..', '..', 'testing', 'typescript.cjs');
    const child = spawn(process.execPath, ['-C', '@order-events/source', '-r', load, '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, output }).toEqual({ code: 0, output: 'true\n' });
  });
});
