import type { Subscribe, Subscription, Transport } from './ports/transport';

/** Several subscriptions as one: there are all of them or none. */
export async function subscribeAll(
  transport: Pick<Transport, 'subscribe'>,
  subscribes: readonly Subscribe[],
): Promise<Subscription> {
  const subscriptions: Subscription[] = [];
  const close = async () => {
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
  };
  try {
    for (const subscribe of subscribes) subscriptions.push(await transport.subscribe(subscribe));
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
