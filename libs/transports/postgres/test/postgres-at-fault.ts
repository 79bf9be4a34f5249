import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@order-events/store/migrate';
import { FaultProxy, freePort, startPostgres, type BrokerAtFault } from '@order-events/testing';
import { eventsMigrations } from '../src/migrations';

/** A server of its own, with the log of events in it, that keeps what it has committed. */
export async function postgresAtFault(password: string): Promise<BrokerAtFault> {
  const [directory, port] = [mkdtempSync(join(tmpdir(), `order-events-test-${process.pid}-`)), await freePort()];
  const start = () => startPostgres({ directory, port, password });
  let server = await start();
  await migrate({ ownerUrl: server.url, loginRole: 'postgres', migrations: eventsMigrations });
  let isUp = true;
  const ended = async (ending: Promise<void>) => {
    await ending;
    isUp = false;
  };
  const broker = {
    kill: () => ended(server.kill9()),
    stop: () => ended(server.stop()),
    start: async () => {
      if (isUp) return;
      server = await start();
      isUp = true;
    },
    remove: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return { broker, proxy: await FaultProxy.to({ host: '127.0.0.1', port }), direct: `127.0.0.1:${port}` };
}
