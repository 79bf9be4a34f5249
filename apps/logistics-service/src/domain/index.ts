import type { EventHandler } from '@order-events/messaging';
import { dispatchAnswered, recallAnswered, type AnswerHandler } from './carrier';
import { cancelled, created, paid, recalled } from './orders';
import type { LogisticsTables } from './tables';

export * from './carrier';
export * from './orders';
export * from './tables';

export const handlers: readonly EventHandler<LogisticsTables>[] = [created, paid, recalled, cancelled];
export const answers: readonly AnswerHandler[] = [dispatchAnswered, recallAnswered];
