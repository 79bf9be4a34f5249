import type { EventHandler } from '@order-events/messaging';
import { cancelled, created, paid } from './orders';
import type { InventoryTables } from './tables';

export * from './availability';
export * from './orders';
export * from './tables';

export const handlers: readonly EventHandler<InventoryTables>[] = [created, paid, cancelled];
