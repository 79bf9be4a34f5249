import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy } from '../fault-proxy';
import { commandLine } from '../processes';
import { describeBroker } from './describe';
import { privateBroker } from './private';
import { kafkaBrokers, probeKafka, registeredNsqds } from './probe';
import { type BrokerName, brokerNames } from './recipe';
import { addressesIn, speaks } from './speaks';

/** Whose mention on a command line tells the real server from a script that started it. */
const program: Record<BrokerName, RegExp> = {
  kafka: /kafka\.Kafka/,
  rabbitmq: /beam\.smp/,
  nats: /nats-server/,
  nsq: /nsqd/,
  redis: /redis-server/,
};

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'private-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.each(brokerNames)('%s', (name) => {
  describeBroker(name, () => {
    test('speaks, is killed, comes back at the same address, is stopped, started and removed', async () => {
      const broker = await privateBroker(name, { directory });
      const { env } = broker;
      const servers = () => Object.values(broker.pids).filter((pid) => program[name].test(commandLine(pid)));
      await speaks(name, env);
      const first = servers();
      expect(first).toHaveLength(name === 'nsq' ? 2 : 1);

      await broker.kill();
      expect(first.map(commandLine)).toEqual(first.map(() => ''));
      await expect(speaks(name, env)).rejects.toThrow(/ECONNREFUSED/);

      await broker.start();
      expect(broker.env).toEqual(env);
      expect(servers()).not.toEqual(first);
      await speaks(name, env);

      await broker.stop();
      expect(broker.pids).toEqual({});
      await expect(speaks(name, env)).rejects.toThrow(/ECONNREFUSED/);

      await broker.start();
      await speaks(name, env);
      const last = Object.values(broker.pids);
      await broker.remove();
      expect(last.map(commandLine)).toEqual(last.map(() => ''));
      expect(readdirSync(directory)).toEqual([]);
    });

    test('with TLS and a password, through a network of ours', async () => {
      const proxies: FaultProxy[] = [];
      const through = async (port: number) => {
        const proxy = await FaultProxy.to({ host: '127.0.0.1', port });
        proxies.push(proxy);
        return proxy.port;
      };
      const broker = await privateBroker(name, { directory, secure: true, through });
      await speaks(name, broker.env);
      expect(existsSync(broker.security!.certificate)).toBe(true);
      const found = Object.values(broker.env).flatMap((list) => addressesIn(list).map(({ port }) => port));
      expect(found.sort()).toEqual(proxies.map(({ port }) => port).sort());
      await Promise.all(proxies.map((proxy) => proxy.refuse()));
      await expect(speaks(name, broker.env)).rejects.toThrow(/ECONNREFUSED/);
      await broker.remove();
      await Promise.all(proxies.map((proxy) => proxy.close()));
    });
  });
});

describeBroker('kafka', () => {
  test('of three, one can be killed and comes back', async () => {
    const broker = await privateBroker('kafka', { directory, brokers: 3 });
    const [one, two, three] = addressesIn(broker.env.KAFKA_BROKERS!);
    await broker.kill('kafka-3');
    expect(Object.keys(broker.pids)).toEqual(['kafka-1', 'kafka-2']);
    await expect(probeKafka(three!)).rejects.toThrow(/ECONNREFUSED/);
    // A client asks any of them for the cluster.
    expect(await kafkaBrokers(one!)).toBeGreaterThanOrEqual(2);
    await probeKafka(two!);
    await broker.start('kafka-3');
    await probeKafka(three!);
    await broker.remove();
  });
});

describeBroker('nsq', () => {
  test('nsqlookupd knows all nsqds, one that joins later too', async () => {
    const broker = await privateBroker('nsq', { directory, brokers: 3 });
    const [lookup] = addressesIn(broker.env.NSQLOOKUPD_ADDRESSES!);
    const ports = addressesIn(broker.env.NSQD_ADDRESSES!).map(({ port }) => port);
    expect((await registeredNsqds(lookup!)).sort()).toEqual([...ports].sort());
    await broker.kill('nsqd-3');
    await broker.start('nsqd-3');
    expect(await registeredNsqds(lookup!)).toContain(ports[2]);
    await broker.remove();
  });
});
