import { Router } from 'express';
import type { Service } from '@order-events/contracts';
import type { Transport } from '@order-events/messaging';
import type { PostgresStore } from '@order-events/store';
import type { Logger } from '../../log';
import { backlogOf } from '../../metrics';
import { onlyMethods } from '../problem';

export interface LagOptions {
  group: Service;
  store: PostgresStore;
  transport: Pick<Transport, 'backlog'>;
  log: Logger;
}

/** What has come in, is to go out, and is under way. */
export function lagRoutes({ group, store, transport, log }: LagOptions): Router {
  const routes = Router();
  routes
    .route('/lag')
    .get(async (_request, response) => {
      const backlog = backlogOf(transport, group).catch((error: unknown) => {
        log.warn({ err: error }, 'the broker does not say how much is waiting');
        return null;
      });
      const [waiting, { oldestMs }, unfinished, away, paused] = await Promise.all([
        backlog,
        store.outboxStatus(),
        store.operatorReads.unfinished(),
        store.operatorReads.outsideAwaySince(),
        store.operatorActions.pause(group),
      ]);
      const stands = { paused: paused ?? null, outside_away_since: away };
      response.json({ group, ...stands, backlog: waiting, outbox_oldest_ms: oldestMs, ...unfinished });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
