import type { RequestHandler } from 'express';

/** What is answered tells of people and of this moment: nobody on the way is to keep it. */
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('cache-control', 'no-store');
  next();
};
