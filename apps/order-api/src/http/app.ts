import express, { type Express, type Router } from 'express';
import type { Tracer } from '@order-events/messaging';
import { noStore, notFound, problemHandler } from '@order-events/service-kit';
import { availabilityRoutes, type AvailabilityRoutesOptions } from './availability';
import { orderRoutes, type OrderRoutesOptions } from './orders';
import { productRoutes } from './products';
import { traced } from './traced';

export interface PublicAppOptions extends OrderRoutesOptions, AvailabilityRoutesOptions {
  health: Router;
  tracer: Tracer;
}

/** The public HTTP interface. */
export function publicApp({ health, tracer, ...options }: PublicAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // Nothing that is served here stays as it is for long.
  app.disable('etag');
  app.use(noStore, health, traced(tracer));
  app.use(orderRoutes(options), productRoutes(options.entities), availabilityRoutes(options));
  app.use(notFound, problemHandler(options.log));
  return app;
}
