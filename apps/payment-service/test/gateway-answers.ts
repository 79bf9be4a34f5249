import type { Answers, EffectKind } from '../src/domain';

/** What a gateway answers that does all that it is asked to. */
export const willing: Answers = {
  'gateway.authorize': { outcome: 'authorized', authorization_id: 'a1' },
  'gateway.capture': { outcome: 'captured', capture_id: 'c1' },
  'gateway.void': { outcome: 'voided' },
  'gateway.refund': { outcome: 'refunded', refund_id: 'r1' },
};
export const declining: Answers = {
  ...willing,
  'gateway.authorize': { outcome: 'declined', reason: 'card_declined' },
};
export const failing: Answers = { ...willing, 'gateway.capture': { outcome: 'failed', reason: 'card_expired' } };

/** What this gateway answers to an effect. */
export const by =
  (gateway: Answers) =>
  ({ kind }: { kind: string }) =>
    gateway[kind as EffectKind];
