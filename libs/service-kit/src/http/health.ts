import { Router } from 'express';
import { within } from '@order-events/messaging';
import type { Logger } from '../log';
import { reasonOf } from '../reason';
import { onlyMethods } from './problem';

/** What must answer for a service to be ready, by name. */
export type Checks = Readonly<Record<string, () => Promise<void>>>;

/** A check that hangs is given up after this. */
export const CHECK_MS = 2_000;

/** The same checks, telling the log when one begins to fail, and when that is over. */
export function logged(checks: Checks, log: Logger): Checks {
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, loggedCheck(name, check, log)]));
}

/** It is asked every few seconds for as long as it fails; only what has changed is news. */
function loggedCheck(name: string, check: () => Promise<void>, log: Logger): () => Promise<void> {
  let state: 'starting' | 'waiting' | 'passing' | 'failing' = 'starting';
  return async () => {
    try {
      await check();
    } catch (error) {
      const news = { check: name, err: error };
      if (state === 'starting') log.debug(news, 'not ready yet');
      if (state === 'passing') log.warn(news, 'not ready: a check fails; requests should go elsewhere');
      state = state === 'starting' || state === 'waiting' ? 'waiting' : 'failing';
      throw error;
    }
    if (state === 'failing') log.info({ check: name }, 'a check that failed passes again');
    state = 'passing';
  };
}

/**
 * `/healthz`: the process lives (it says nothing of others, so that an absent database does not get every process
 * restarted). `/readyz`: it can do its work now.
 * @param reasons whether it is shown why a check fails, which may name hosts and roles: for operators only
 */
export function healthRoutes(service: string, checks: Checks, { reasons = false } = {}): Router {
  const routes = Router();
  routes
    .route('/healthz')
    .get((_request, response) => void response.json({ status: 'ok', service }))
    .all(onlyMethods('GET', 'HEAD'));
  routes
    .route('/readyz')
    .get(async (_request, response) => {
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => [name, await problemOf(name, check)] as const),
      );
      const shown = results.map(([name, problem]) => [
        name,
        problem === undefined ? 'ok' : reasons ? problem : 'failed',
      ]);
      const ready = results.every(([, problem]) => problem === undefined);
      response
        .status(ready ? 200 : 503)
        .json({ status: ready ? 'ready' : 'not ready', checks: Object.fromEntries(shown) as object });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}

function problemOf(name: string, check: () => Promise<void>): Promise<string | undefined> {
  return within(name, CHECK_MS, check()).then(() => undefined, reasonOf);
}
