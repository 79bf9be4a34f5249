import type { AnswerHandler } from './answers';
import { authorizeAnswered, captureAnswered, reverseAnswered } from './answers';

export * from './answers';
export type { Answers, EffectKind, Inputs } from './effects';
export * from './orders';
export * from './tables';

export const answers: readonly AnswerHandler[] = [authorizeAnswered, captureAnswered, reverseAnswered];
