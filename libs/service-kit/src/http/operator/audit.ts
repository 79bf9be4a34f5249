import { Router } from 'express';
import { z } from 'zod';
import type { AuditStore } from '@order-events/messaging';
import type { Logger } from '../../log';
import { jsonBody } from '../json-body';
import { onlyMethods, Problem } from '../problem';
import { Text } from './input';

const Again = z.strictObject({ group: Text(200), since: z.iso.datetime({ offset: true }) });

/**
 * How far each group is known to hold what this service has published; and, after the restore of a group's database, to
 * ask it again about everything since the dump.
 */
export function auditRoutes(audit: AuditStore, log: Logger): Router {
  const routes = Router();
  routes
    .route('/audit')
    .get(async (_request, response) => {
      response.json({ items: await audit.status() });
    })
    .post(...jsonBody('64kb'), async (request, response) => {
      const { group, since } = Again.parse(request.body);
      if (!(await audit.again(group, new Date(since))))
        throw new Problem(404, { kind: 'not-found', detail: `This service publishes nothing for a group ${group}.` });
      log.warn({ group, since }, 'the delivery audit was set back: the group is asked again about all since then');
      response.json({ group, since });
    })
    .all(onlyMethods('GET', 'HEAD', 'POST'));
  return routes;
}
