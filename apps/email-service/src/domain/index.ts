import type { EventHandler } from '@order-events/messaging';
import { cancelled, completed, confirmed, created } from './orders';
import type { EmailTables } from './tables';

export * from './mail';
export * from './orders';
export * from './send';
export * from './tables';

export const handlers: readonly EventHandler<EmailTables>[] = [created, confirmed, completed, cancelled];
