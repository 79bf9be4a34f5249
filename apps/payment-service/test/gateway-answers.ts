import type { Answers } from '../src/domain';

/** What a gateway answers while money is wanted. */
export type GatewayAnswers = Omit<Answers, 'gateway.reverse'>;

/** Does all that it is asked to. */
export const willing: GatewayAnswers = {
  'gateway.authorize': { outcome: 'authorized', authorization_id: 'a1' },
  'gateway.capture': { outcome: 'captured', capture_id: 'c1' },
};
export const declining: GatewayAnswers = {
  ...willing,
  'gateway.authorize': { outcome: 'declined', reason: 'card_declined' },
};
export const failing: GatewayAnswers = {
  ...willing,
  'gateway.capture': { outcome: 'failed', reason: 'card_expired' },
};

interface Asked {
  kind: string;
}

/** What this gateway answers to an effect of an order, given all that were intended for it. */
export function answerOf(gateway: GatewayAnswers, { kind }: Asked, all: readonly Asked[]): Answers[keyof Answers] {
  if (kind !== 'gateway.reverse') return gateway[kind as keyof GatewayAnswers];
  const was = (asked: keyof GatewayAnswers, outcome: string) =>
    all.some((effect) => effect.kind === asked) && gateway[asked].outcome === outcome;
  if (was('gateway.capture', 'captured')) return { outcome: 'refunded', refund_id: 'r1' };
  return { outcome: was('gateway.authorize', 'authorized') ? 'voided' : 'nothing' };
}

/** The same for the runs of one service, each of which has a history of its own. */
export const by = (gateway: GatewayAnswers) => (effect: Asked, service: { effects: readonly Asked[] }) =>
  answerOf(gateway, effect, service.effects);
