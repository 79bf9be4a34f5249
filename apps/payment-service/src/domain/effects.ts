import type { NewEffect } from '@order-events/messaging';
import { known, type Payment } from './tables';

interface OfOrder {
  order_id: string;
}
interface OfMoney extends OfOrder {
  /** Minor units. */
  amount: number;
  currency: string;
}

/** What is asked of the gateway, by the kind of effect. */
export interface Inputs {
  'gateway.authorize': OfMoney & { token: string };
  'gateway.capture': OfMoney & { authorization_id: string };
  /** With the authorisation where one is known. */
  'gateway.reverse': OfOrder & { authorization_id?: string };
}

/** What the gateway answers for certain, by the kind of effect. */
export interface Answers {
  'gateway.authorize': { outcome: 'authorized'; authorization_id: string } | { outcome: 'declined'; reason: string };
  'gateway.capture': { outcome: 'captured'; capture_id: string } | { outcome: 'failed'; reason: string };
  'gateway.reverse': { outcome: 'nothing' } | { outcome: 'voided' } | { outcome: 'refunded'; refund_id: string };
}

export type EffectKind = keyof Inputs;

export function authorize({ order_id, amount, currency }: Payment, token: string): NewEffect {
  return effect('gateway.authorize', { order_id, amount, currency, token });
}

export function capture({ order_id, amount, currency, authorization_id }: Payment): NewEffect {
  return effect('gateway.capture', { order_id, amount, currency, authorization_id: known(authorization_id) });
}

/**
 * By the order and not by what is known of it: a service restored from a backup knows less than it has done. Its key tells
 * the two apart, so that the "nothing" of a time before the authorisation does not answer for it.
 */
export function reverse({ order_id, authorization_id }: Payment): NewEffect {
  const unknown = effect('gateway.reverse', { order_id });
  if (authorization_id === null) return unknown;
  const idempotencyKey = `${unknown.idempotencyKey}.authorized`;
  return { ...unknown, idempotencyKey, input: { order_id, authorization_id } };
}

/** The gateway knows a call again by its order and verb: an order is authorised and captured once. */
function effect<K extends EffectKind>(kind: K, input: Inputs[K]): NewEffect {
  return { kind, key: input.order_id, idempotencyKey: kind.replace('gateway', input.order_id), input };
}
