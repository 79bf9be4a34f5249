import type { EventHandler } from '@order-events/messaging';
import { cancelled, created, paid, recalled } from './orders';
import type { LogisticsTables } from './tables';

export * from './dispatch';
export * from './orders';
export * from './tables';

export const handlers: readonly EventHandler<LogisticsTables>[] = [created, paid, recalled, cancelled];
