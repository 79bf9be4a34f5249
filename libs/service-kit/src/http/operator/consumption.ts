import { Router } from 'express';
import { z } from 'zod';
import type { OperatorActions } from '@order-events/store';
import { jsonBody } from '../json-body';
import { onlyMethods } from '../problem';
import { byHand } from './input';

const ByHand = z.strictObject(byHand);

/** Has all replicas of the group stop consuming, and go on; a restart changes nothing. They follow within a second. */
export function consumptionRoutes(group: string, actions: OperatorActions): Router {
  const routes = Router();
  for (const action of ['pause', 'resume'] as const) {
    routes
      .route(`/${action}`)
      .post(...jsonBody('64kb'), async (request, response) => {
        await actions.record(action, group, ByHand.parse(request.body));
        response.json({ group, paused: (await actions.pause(group)) ?? null });
      })
      .all(onlyMethods('POST'));
  }
  return routes;
}
