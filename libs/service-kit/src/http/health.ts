import { Router } from 'express';
import { onlyMethods } from './problem';

/** What must answer for a service to be ready, by name. */
export type Checks = Readonly<Record<string, () => Promise<void>>>;

const CHECK_MS = 2_000;

/**
 * `/healthz`: the process lives (it says nothing of others, so that an absent database does not get every process
 * restarted). `/readyz`: it can do its work now.
 */
export function healthRoutes(service: string, checks: Checks): Router {
  const routes = Router();
  routes
    .route('/healthz')
    .get((_request, response) => void response.json({ status: 'ok', service }))
    .all(onlyMethods('GET', 'HEAD'));
  routes
    .route('/readyz')
    .get(async (_request, response) => {
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => [name, await passes(check)]),
      );
      const ready = results.every(([, result]) => result === 'ok');
      response
        .status(ready ? 200 : 503)
        .json({ status: ready ? 'ready' : 'not ready', checks: Object.fromEntries(results) as object });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}

async function passes(check: () => Promise<void>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_MS} ms`), CHECK_MS);
  });
  const result = check().then(
    () => 'ok',
    (error: unknown) => (error as Error).message,
  );
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}
