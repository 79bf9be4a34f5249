import type { EffectHandler } from '@order-events/messaging';
import {
  authorizeAnswered,
  captureAnswered,
  reverseAnswered,
  type Answers,
  type EffectKind,
  type Inputs,
  type PaymentTables,
} from '../domain';
import type { Gateway } from '../gateway/gateway';

type GatewayEffect<K extends EffectKind> = EffectHandler<PaymentTables, Inputs[K], Answers[K]>;

/** What payment asks of the gateway, and what it decides when the answer is there. */
export function effects(gateway: Gateway): EffectHandler<PaymentTables>[] {
  const authorize: GatewayEffect<'gateway.authorize'> = {
    ...authorizeAnswered,
    call: (input, call) => gateway.authorize(input, call),
  };
  const capture: GatewayEffect<'gateway.capture'> = {
    ...captureAnswered,
    call: (input, call) => gateway.capture(input, call),
  };
  const reverse: GatewayEffect<'gateway.reverse'> = {
    ...reverseAnswered,
    call: (input, call) => gateway.reverse(input, call),
  };
  return [authorize, capture, reverse];
}
