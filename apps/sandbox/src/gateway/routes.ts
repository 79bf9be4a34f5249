import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { Currency, Id, Money } from '@order-events/contracts';
import { Problem, problemBody } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { type Answer, type Call, callOf, once, type Outcome, send } from '../http/once';
import { lockBy, save } from './authorizations';
import { type Authorization, authorize, capture, refund, type Ruling, voided } from './rules';

const Authorize = z.strictObject({
  order_id: Id,
  amount: Money,
  currency: Currency,
  token: z.string().regex(/^[\x21-\x7e]{1,255}$/),
});
const Amount = z.strictObject({ amount: Money });

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
    await change('capture', 'authorization_id', amount, request, response, (authorization) =>
      capture(authorization, amount, `cap_${randomUUID()}`),
    );
  });

  router.post('/authorizations/:id/void', async (request, response) => {
    await change('void', 'authorization_id', undefined, request, response, voided);
  });

  router.post('/captures/:id/refund', async (request, response) => {
    const { amount } = Amount.parse(request.body);
    await change('refund', 'capture_id', amount, request, response, (authorization) =>
      refund(authorization, amount, `ref_${randomUUID()}`),
    );
  });

  /** Answers a call that changes an authorization as the rule says. Without an amount it is about the whole of it. */
  async function change(
    kind: Call['kind'],
    column: 'authorization_id' | 'capture_id',
    amount: number | undefined,
    request: Request<{ id: string }>,
    response: Response,
    rule: (authorization: Authorization) => Ruling,
  ): Promise<void> {
    const { id } = request.params;
    const answer = await once(database, callOf(request, 'gateway', kind, { amount }), async (session) => {
      const authorization = await lockBy(column, id, session);
      if (!authorization) throw new Problem(404, { kind: 'not-found', detail: `There is no ${column} ${id}.` });
      const ruling = rule(authorization);
      if (ruling.outcome === 'done') await save(ruling.authorization, session);
      return outcomeOf(ruling, kind === 'void' ? 200 : 201, {
        ...authorization,
        amount: amount ?? authorization.amount,
      });
    });
    deliver(answer, response);
  }

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
