import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { Problem } from '../problem';

/** Lets in who shows the token, and without one in the configuration nobody. */
export function bearer(token: string | undefined): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return (request, _response, next) => {
    if (token === undefined)
      return next(
        new Problem(403, {
          kind: 'operator-off',
          detail: 'The operator routes are off: this service was started without OPERATOR_TOKEN.',
        }),
      );
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    if (timingSafeEqual(digest(given), digest(token))) return next();
    const headers = { 'www-authenticate': 'Bearer' };
    next(
      new Problem(401, {
        kind: 'unauthorized',
        detail: 'These routes need the header Authorization: Bearer, with the OPERATOR_TOKEN of this service.',
        headers,
      }),
    );
  };
}
