import { z } from 'zod';
import { postJson, storable, unclear, type Answer } from '@order-events/service-kit';
import type { CarrierAnswer, Inputs } from '../domain';
import type { Call, Carrier } from './carrier';

/** Of what it says, characters. What it says goes into events, and those have a limit. */
const MAX_LENGTH = 1_000;
const Name = z.string().max(MAX_LENGTH);
const dispatched = z.object({ carrier: Name, tracking_number: Name });
const recalled = z.discriminatedUnion('outcome', [
  dispatched.extend({ outcome: z.literal('dispatched') }),
  z.object({ outcome: z.literal('recalled') }),
]);
const refused = z.object({ reason: z.string().transform((reason) => storable(reason.slice(0, MAX_LENGTH))) });

export interface HttpCarrierOptions {
  /** Where the carrier's API begins, such as `http://127.0.0.1:3900/carrier`. */
  url: string;
  /** How long an answer may take, milliseconds. */
  timeoutMs: number;
}

/**
 * The carrier over HTTP. To a parcel a 2xx is "dispatched" and a 422 with a reason is "refused"; to a recall a 2xx says which of
 * both. Nothing else is an answer.
 */
export class HttpCarrier implements Carrier {
  private readonly url: string;
  private readonly timeoutMs: number;

  constructor({ url, timeoutMs }: HttpCarrierOptions) {
    this.url = url.replace(/\/$/, '');
    this.timeoutMs = timeoutMs;
  }

  async dispatch({ order_id, address, items }: Inputs['carrier.dispatch'], call: Call): Promise<CarrierAnswer> {
    // An order's items carry prices, which are none of the carrier's business.
    const input = { order_id, address, items: items.map(({ product_id, quantity }) => ({ product_id, quantity })) };
    const answer = await this.post('/shipments', input, call);
    if (isDone(answer)) {
      const { success, data } = dispatched.safeParse(answer.body);
      if (success) return { outcome: 'dispatched', ...data };
    }
    if (answer.status === 422) {
      const { success, data } = refused.safeParse(answer.body);
      if (success) return { outcome: 'refused', ...data };
    }
    throw unclear(answer, `answered ${answer.status} in a way that says nothing of the parcel`);
  }

  async recall({ order_id }: Inputs['carrier.recall'], call: Call): Promise<CarrierAnswer> {
    const answer = await this.post('/recalls', { order_id }, call);
    const { success, data } = recalled.safeParse(answer.body);
    if (!isDone(answer) || !success)
      throw unclear(answer, `answered ${answer.status} in a way that does not say where the parcel is`);
    return data.outcome === 'dispatched' ? data : { outcome: 'refused', reason: data.outcome };
  }

  private post(path: string, body: object, call: Call): Promise<Answer> {
    return postJson(`${this.url}${path}`, body, { ...call, timeoutMs: this.timeoutMs });
  }
}

function isDone({ status }: Answer): boolean {
  return status >= 200 && status <= 299;
}
