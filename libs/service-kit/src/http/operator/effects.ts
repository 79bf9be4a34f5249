import { Router } from 'express';
import type { Queryable } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

// Not with what they are called: that may be a customer's address or card.
const EFFECTS = `
  SELECT seq, kind, key, idempotency_key, state, attempts, due_at, created_at, closed_at, errors FROM effects
  WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR key = $2) ORDER BY seq DESC LIMIT $3`;

export function effectsRoutes(database: Queryable): Router {
  const routes = Router();
  routes
    .route('/effects')
    .get(async (request, response) => {
      const { state, key, limit } = Filter.parse(request.query);
      response.json({ items: await database.query(EFFECTS, [state ?? null, key ?? null, limit]) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
