import type { EffectHandler } from '@order-events/messaging';
import type { Carrier } from '../carrier/carrier';
import {
  dispatchAnswered,
  recallAnswered,
  type CarrierAnswer,
  type EffectKind,
  type Inputs,
  type LogisticsTables,
} from '../domain';

type CarrierEffect<K extends EffectKind> = EffectHandler<LogisticsTables, Inputs[K], CarrierAnswer>;

/** What logistics asks of the carrier, and what it decides when the answer is there. */
export function effects(carrier: Carrier): EffectHandler<LogisticsTables>[] {
  const dispatch: CarrierEffect<'carrier.dispatch'> = {
    ...dispatchAnswered,
    call: (input, call) => carrier.dispatch(input, call),
  };
  const recall: CarrierEffect<'carrier.recall'> = {
    ...recallAnswered,
    call: (input, call) => carrier.recall(input, call),
  };
  return [dispatch, recall];
}
