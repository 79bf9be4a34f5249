import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerInstance, FaultProxy, freePort, runDirectory } from '@order-events/testing';

/** A broker that may be killed, with two ways to it: one through a network that may be bad, one past that. */
export class ProxiedBroker {
  private constructor(
    readonly broker: BrokerInstance,
    readonly proxy: FaultProxy,
    /** Past the proxy. */
    readonly direct: string,
  ) {}

  static async start(): Promise<ProxiedBroker> {
    const directory = mkdtempSync(join(runDirectory(), 'kafka-'));
    const names = ['client-1', 'internal-1', 'controller-1'] as const;
    const all = await Promise.all(names.map(async (name) => [name, await freePort()] as const));
    const ports = Object.fromEntries(all) as Record<(typeof names)[number], number>;
    const proxy = await FaultProxy.to({ host: '127.0.0.1', port: ports['client-1'] });
    // A broker tells its clients where to go on: those of this listener, through the proxy.
    const advertised = { 'client-1': proxy.port };
    const options = { name: 'kafka' as const, directory, ports, advertised, brokers: 1, secure: false };
    const broker = await BrokerInstance.create({ ...options, say: () => undefined });
    await broker.start();
    return new ProxiedBroker(broker, proxy, `127.0.0.1:${ports['internal-1']}`);
  }

  get throughProxy(): string {
    return `127.0.0.1:${this.proxy.port}`;
  }

  async remove(): Promise<void> {
    await this.proxy.close();
    await this.broker.remove();
  }
}
