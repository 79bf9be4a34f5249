import { FaultProxy } from '@order-events/testing';

/** What the services reach over a network: Postgres, or the broker. */
export type End = 'Postgres' | 'broker';

/** What stands between the services and what they use. It is healthy until it is told otherwise. */
export class Network {
  private readonly links: { to: End; proxy: FaultProxy }[] = [];

  /** Resolves with the port at which services are to find what listens at that one. */
  async between(to: End, port: number): Promise<number> {
    const proxy = await FaultProxy.to({ host: '127.0.0.1', port });
    this.links.push({ to, proxy });
    return proxy.port;
  }

  /** All ways to it; none where it was there before, or is none. */
  to(end: End): FaultProxy[] {
    return this.links.filter(({ to }) => to === end).map(({ proxy }) => proxy);
  }

  async heal(): Promise<void> {
    await Promise.all(this.links.map(({ proxy }) => proxy.heal()));
  }

  async close(): Promise<void> {
    await Promise.all(this.links.map(({ proxy }) => proxy.close()));
  }
}
