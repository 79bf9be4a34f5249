import type { EffectHandler } from '@order-events/messaging';
import {
  authorizeAnswered,
  captureAnswered,
  refundAnswered,
  voidAnswered,
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
  const voiding: GatewayEffect<'gateway.void'> = { ...voidAnswered, call: (input, call) => gateway.void(input, call) };
  const refund: GatewayEffect<'gateway.refund'> = {
    ...refundAnswered,
    call: (input, call) => gateway.refund(input, call),
  };
  return [authorize, capture, voiding, refund];
}
