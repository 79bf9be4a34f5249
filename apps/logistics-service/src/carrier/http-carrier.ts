import { z } from 'zod';
import { postJson, storable, unclear } from '@order-events/service-kit';
import type { DispatchAnswer, DispatchInput } from '../domain';
import type { Call, Carrier } from './carrier';

/** Of what it says, characters. What it says goes into events, and those have a limit. */
const MAX_LENGTH = 1_000;
const Name = z.string().max(MAX_LENGTH);
const dispatched = z.object({ carrier: Name, tracking_number: Name });
const refused = z.object({ reason: z.string().transform((reason) => storable(reason.slice(0, MAX_LENGTH))) });

export interface HttpCarrierOptions {
  /** Where the carrier's API begins, such as `http://127.0.0.1:3900/carrier`. */
  url: string;
  /** How long an answer may take, milliseconds. */
  timeoutMs: number;
}

/** The carrier over HTTP. A 2xx is "dispatched" and a 422 with a reason is "refused"; nothing else is an answer. */
export class HttpCarrier implements Carrier {
  private readonly url: string;
  private readonly timeoutMs: number;

  constructor({ url, timeoutMs }: HttpCarrierOptions) {
    this.url = url.replace(/\/$/, '');
    this.timeoutMs = timeoutMs;
  }

  async dispatch({ order_id, address, items }: DispatchInput, call: Call): Promise<DispatchAnswer> {
    // An order's items carry prices, which are none of the carrier's business.
    const input = { order_id, address, items: items.map(({ product_id, quantity }) => ({ product_id, quantity })) };
    const answer = await postJson(`${this.url}/shipments`, input, { ...call, timeoutMs: this.timeoutMs });
    if (answer.status >= 200 && answer.status <= 299) {
      const { success, data } = dispatched.safeParse(answer.body);
      if (success) return { outcome: 'dispatched', ...data };
    }
    if (answer.status === 422) {
      const { success, data } = refused.safeParse(answer.body);
      if (success) return { outcome: 'refused', ...data };
    }
    throw unclear(answer, `answered ${answer.status} in a way that says nothing of the parcel`);
  }
}
