import { Router } from 'express';
import { z } from 'zod';
import type { PostgresStore } from '@order-events/store';
import type { Logger } from '../../log';
import { jsonBody } from '../json-body';
import { onlyMethods, Problem } from '../problem';
import { dryRun, forReal, Text } from './input';

const which = { group: Text(200), topic: Text(200), since: z.iso.datetime({ offset: true }) };
const Replay = z.discriminatedUnion('dry_run', [
  z.strictObject({ ...which, ...dryRun }),
  z.strictObject({ ...which, ...forReal }),
]);

/** Has the delivery audit bring a group what it does not hold of one topic since a time: for a group that is new. */
export function replayRoutes(store: PostgresStore, log: Logger): Router {
  const { audit, operatorActions, operatorReads } = store;
  const routes = Router();
  routes
    .route('/replay')
    .post(...jsonBody('64kb'), async (request, response) => {
      const order = Replay.parse(request.body);
      const { group, topic, since, dry_run } = order;
      const count = await operatorReads.toldSince(topic, new Date(since));
      if (!order.dry_run) {
        const start = await audit.replay(group, topic, new Date(since));
        if (start === 'not_audited')
          throw new Problem(404, {
            kind: 'not-found',
            detail: `This service publishes no ${topic} for a group ${group}.`,
          });
        if (start === 'under_way') {
          const detail = `Something is being replayed to ${group} already; GET /audit tells how far that is.`;
          throw new Problem(409, { kind: 'replay-under-way', detail });
        }
        // After it was begun: whoever is told that this failed finds the replay under way.
        const { actor, reason } = order;
        await operatorActions.record('replay', group, { actor, reason }, { topic, since });
        log.warn({ group, topic, since, actor, reason }, 'replaying: the group is asked again, and sent what it lacks');
      }
      response.json({ group, topic, since, dry_run, count });
    })
    .all(onlyMethods('POST'));
  return routes;
}
