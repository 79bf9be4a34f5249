import { z } from 'zod';
import { postJson, storable, unclear, type Answer } from '@order-events/service-kit';
import type { Answers, Inputs } from '../domain';
import type { Call, Gateway } from './gateway';

/** Of what it says, characters. What it says goes into events, and those have a limit. */
const MAX_LENGTH = 1_000;
const Id = z.string().max(MAX_LENGTH);
const authorized = z.object({ authorization_id: Id });
const captured = z.object({ capture_id: Id });
const reversed = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('nothing') }),
  z.object({ outcome: z.literal('voided') }),
  z.object({ outcome: z.literal('refunded'), refund_id: Id }),
]);
const refused = z.object({ reason: z.string().transform((reason) => storable(reason.slice(0, MAX_LENGTH))) });

export interface HttpGatewayOptions {
  /** Where the gateway's API begins, such as `http://127.0.0.1:3900/gateway`. */
  url: string;
  /** How long an answer may take, milliseconds. */
  timeoutMs: number;
}

/** The gateway over HTTP. A 2xx is "done" and a 402 is "refused"; nothing else is an answer. */
export class HttpGateway implements Gateway {
  private readonly url: string;
  private readonly timeoutMs: number;

  constructor({ url, timeoutMs }: HttpGatewayOptions) {
    this.url = url.replace(/\/$/, '');
    this.timeoutMs = timeoutMs;
  }

  async authorize(
    { order_id, amount, currency, token }: Inputs['gateway.authorize'],
    call: Call,
  ): Promise<Answers['gateway.authorize']> {
    const answer = await this.post('/authorizations', { order_id, amount, currency, token }, call);
    if (answer.status === 402) return { outcome: 'declined', ...read(refused, answer) };
    // What the gateway cannot even read it has not carried out, and will not understand the next time.
    if (answer.status === 400) return { outcome: 'declined', reason: 'invalid_request' };
    return { outcome: 'authorized', ...read(authorized, done(answer)) };
  }

  async capture(
    { authorization_id, amount }: Inputs['gateway.capture'],
    call: Call,
  ): Promise<Answers['gateway.capture']> {
    const answer = await this.post(`/authorizations/${encodeURIComponent(authorization_id)}/capture`, { amount }, call);
    if (answer.status === 402) return { outcome: 'failed', ...read(refused, answer) };
    return { outcome: 'captured', ...read(captured, done(answer)) };
  }

  async reverse(
    { order_id, authorization_id }: Inputs['gateway.reverse'],
    call: Call,
  ): Promise<Answers['gateway.reverse']> {
    const answer = done(await this.post('/reversals', { order_id }, call));
    const reversal = read(reversed, answer);
    // It may find orders by an index that is behind; what is known to be there must not be given up for that.
    if (reversal.outcome === 'nothing' && authorization_id !== undefined)
      throw unclear(answer, `knows nothing of the order, and has authorised it as ${authorization_id}`);
    return reversal;
  }

  private post(path: string, body: object, call: Call): Promise<Answer> {
    return postJson(`${this.url}${path}`, body, { ...call, timeoutMs: this.timeoutMs });
  }
}

function done(answer: Answer): Answer {
  if (answer.status < 200 || answer.status > 299) throw unclear(answer, `answered ${answer.status}`);
  return answer;
}

function read<S extends z.ZodType>(schema: S, answer: Answer): z.infer<S> {
  const result = schema.safeParse(answer.body);
  if (!result.success) throw unclear(answer, `answered ${answer.status} with an unknown body`);
  return result.data;
}
