import { Router } from 'express';
import type { Queryable } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

const INBOX = `
  SELECT i.consumer_group, i.id, i.topic, i.key, i.state, i.at, f.attempts, f.due_at, f.errors
  FROM inbox i LEFT JOIN failures f USING (consumer_group, id)
  WHERE ($1::text IS NULL OR i.state = $1) AND ($2::text IS NULL OR i.key = $2) ORDER BY i.at DESC LIMIT $3`;

export function inboxRoutes(database: Queryable): Router {
  const routes = Router();
  routes
    .route('/inbox')
    .get(async (request, response) => {
      const { state, key, limit } = Filter.parse(request.query);
      response.json({ items: await database.query(INBOX, [state ?? null, key ?? null, limit]) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
