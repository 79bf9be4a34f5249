import { loadConfig, SERVICE_SETTINGS, type Config } from '@order-events/service-kit';

const SETTINGS = [...SERVICE_SETTINGS, 'PORT', 'ORDER_DEADLINE_S', 'BRIDGE_IN', 'BRIDGE_OUT'] as const;
export type OrderApiConfig = Config<(typeof SETTINGS)[number]>;

/** @throws ConfigError with every problem at once. */
export function readConfig(): OrderApiConfig {
  return loadConfig(SETTINGS, { PORT: 3000, OPERATOR_PORT: 3001 });
}
