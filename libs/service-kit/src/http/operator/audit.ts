import { Router } from 'express';
import { z } from 'zod';
import type { AuditStore } from '@order-events/messaging';
import type { OperatorActions } from '@order-events/store';
import type { Logger } from '../../log';
import { jsonBody } from '../json-body';
import { onlyMethods, Problem } from '../problem';
import { byHand, Text } from './input';

const Again = z.strictObject({ group: Text(200), since: z.iso.datetime({ offset: true }), ...byHand });

/**
 * How far each group is known to hold what this service has published; and, after the restore of a group's database, to
 * ask it again about everything since a time that lies before the dump by as much as the group was behind.
 */
export function auditRoutes(audit: AuditStore, actions: OperatorActions, log: Logger): Router {
  const routes = Router();
  routes
    .route('/audit')
    .get(async (_request, response) => {
      response.json({ items: await audit.status() });
    })
    .post(...jsonBody('64kb'), async (request, response) => {
      const { group, since, ...by } = Again.parse(request.body);
      if (!(await audit.again(group, new Date(since))))
        throw new Problem(404, { kind: 'not-found', detail: `This service publishes nothing for a group ${group}.` });
      // After it was done: whoever is told that this failed does it once more, which changes nothing but the record.
      await actions.record('audit', group, by, { since });
      log.warn(
        { group, since, ...by },
        'the delivery audit was set back: the group is asked again about all since then',
      );
      response.json({ group, since });
    })
    .all(onlyMethods('GET', 'HEAD', 'POST'));
  return routes;
}
