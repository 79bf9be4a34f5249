import { noTracer } from '@order-events/messaging';
import { loadConfig, Metrics, SERVICE_SETTINGS } from '@order-events/service-kit';
import { Bridge, type BridgeOptions } from '../src/bridge/bridge';
import type { OrderApiConfig } from '../src/config';
import { log, type OrderApi } from './start-order-api';

const SETTINGS = [...SERVICE_SETTINGS, 'PORT', 'ORDER_DEADLINE_S', 'BRIDGE_IN', 'BRIDGE_OUT'] as const;

/** @param env where the broker is, and what the bridge connects */
export function bridgeConfig({ databaseUrl }: OrderApi, env: Readonly<Record<string, string>>): OrderApiConfig {
  const databases = { EVENTS_DATABASE_URL: databaseUrl, DATABASE_URL: databaseUrl };
  return loadConfig(SETTINGS, { PORT: 0, OPERATOR_PORT: 0 }, { ...databases, ...env });
}

/** The bridge of one process, with its loops; to be ended. */
export function runningBridge(api: OrderApi, config: OrderApiConfig) {
  const [over, metrics] = [new AbortController(), new Metrics('test')];
  const loops: Promise<void>[] = [];
  const every: BridgeOptions['service']['every'] = (loop, _ms, work) => {
    const run = async () => {
      while (!over.signal.aborted) {
        await work(over.signal).catch(() => metrics.loopFailures.inc({ loop }));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    loops.push(run());
  };
  const transport = { capabilities: { maxBytes: 1_000_000 } } as BridgeOptions['service']['transport'];
  const service = { store: api.store, transport, metrics, tracer: noTracer, every };
  const bridge = new Bridge({ service, outboxAge: { isOld: false }, config, log });
  bridge.start();
  return {
    /** How often that loop has failed. */
    failures: async (loop: string) =>
      (await metrics.loopFailures.get()).values.find(({ labels }) => labels.loop === loop)?.value ?? 0,
    end: async () => {
      await bridge.stop();
      over.abort();
      await Promise.all(loops);
    },
  };
}
