import { randomUUID } from 'node:crypto';
import { type Response, Router } from 'express';
import { z } from 'zod';
import { Currency, Id, Money } from '@order-events/contracts';
import { Problem, problemBody } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { type Answer, callOf, once, type Outcome, send } from '../http/once';
import { lockBy, save } from './authorizations';
import { authorize, capture, reverse, type Ruling } from './rules';

const Authorize = z.strictObject({
  order_id: Id,
  amount: Money,
  currency: Currency,
  token: z.string().regex(/^[\x21-\x7e]{1,255}$/),
});
const Amount = z.strictObject({ amount: Money });
const Reverse = z.strictObject({ order_id: Id });

export interface GatewayOptions {
  database: Database;
  /** How long a caller who gets no answer waits until the connection is cut, milliseconds. */
  silenceMs: number;
}

export function gateway({ database, silenceMs }: GatewayOptions): Router {
  const router = Router();

  router.post('/authorizations', async (request, response) => {
    const input = Authorize.parse(request.body);
    const answer = await once(database, callOf(request, 'gateway', 'authorize', input), async (session) => {
      const ruling = authorize(input, `auth_${randomUUID()}`);
      if (ruling.outcome === 'done') await save(ruling.authorization, session);
      return outcomeOf(ruling, 201, input);
    });
    deliver(answer, response);
  });

  router.post('/authorizations/:id/capture', async (request, response) => {
    const { amount } = Amount.parse(request.body);
    const { id } = request.params;
    const answer = await once(database, callOf(request, 'gateway', 'capture', { amount }), async (session) => {
      const [authorization] = await lockBy('authorization_id', id, session);
      if (!authorization) throw new Problem(404, { kind: 'not-found', detail: `There is no authorization ${id}.` });
      const ruling = capture(authorization, amount, `cap_${randomUUID()}`);
      if (ruling.outcome === 'done') await save(ruling.authorization, session);
      return outcomeOf(ruling, 201, { ...authorization, amount });
    });
    deliver(answer, response);
  });

  router.post('/reversals', async (request, response) => {
    const { order_id } = Reverse.parse(request.body);
    const answer = await once(database, callOf(request, 'gateway', 'reverse', { order_id }), async (session) => {
      const { authorizations, refunded, answer } = reverse(await lockBy('order_id', order_id, session));
      for (const authorization of authorizations) await save(authorization, session);
      const currency = authorizations[0]?.currency ?? null;
      return { status: 201, body: answer, order_id, amount: refunded, currency, unheard: false };
    });
    deliver(answer, response);
  });

  function deliver(answer: Answer, response: Response): void {
    if (answer.unheard) setTimeout(() => response.destroy(), silenceMs);
    else send(response, answer);
  }

  return router;
}

/** @param done the status of the answer when it is carried out */
function outcomeOf(
  ruling: Ruling,
  done: number,
  { order_id, amount, currency }: Pick<Outcome, 'order_id' | 'amount' | 'currency'>,
): Outcome {
  const about = { order_id, amount, currency, unheard: false };
  switch (ruling.outcome) {
    case 'done':
      return { ...about, status: done, body: ruling.answer, unheard: ruling.unheard ?? false };
    case 'refused':
      return {
        ...about,
        status: 402,
        body: { ...problemBody(new Problem(402, { kind: 'refused' })), reason: ruling.reason },
      };
    case 'senseless':
      return {
        ...about,
        status: 409,
        body: problemBody(new Problem(409, { kind: 'conflict', detail: ruling.detail })),
      };
  }
}
