import type { Request, RequestHandler } from 'express';
import type { Tracer } from '@order-events/messaging';

/**
 * One span for each request. The routes go on with its trace context, which stands from here on where that of the caller stood;
 * without a tracer that one stays.
 */
export function traced(tracer: Tracer): RequestHandler {
  return (request, response, next) => {
    const attributes = { 'http.request.method': request.method, 'url.path': request.path };
    const parent = request.get('traceparent');
    const span = tracer.start(request.method, { kind: 'server', parent, attributes });
    request.headers['traceparent'] = span.traceparent;
    response.once('close', () => {
      const { statusCode } = response;
      const route = routeOf(request);
      const isOurFault = statusCode >= 500;
      span.end({
        name: route && `${request.method} ${route}`,
        attributes: { 'http.response.status_code': statusCode, 'http.route': route },
        error: isOurFault ? new Error(`answered with ${statusCode}`) : undefined,
      });
    });
    next();
  };
}

/** As it is declared, `/orders/:id`; undefined where there is none. */
function routeOf({ route }: Request): string | undefined {
  return (route as { path: string } | undefined)?.path;
}
