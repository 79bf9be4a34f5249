import express, { type RequestHandler } from 'express';
import { Problem } from './problem';

const JSON_TYPES = ['application/json', 'application/*+json'];

const onlyJson: RequestHandler = (request, _response, next) => {
  // Without a body there is no type to be wrong (null), though many clients send its length; the schema may refuse it.
  if (request.is(JSON_TYPES) !== false || request.get('content-length') === '0') return next();
  next(new Problem(415, { kind: 'unsupported-media-type', detail: 'The body must be JSON, as application/json.' }));
};

/**
 * Reads a request's body, which must be JSON.
 * @param limit the longest body, such as `256kb`
 */
export function jsonBody(limit: string): readonly RequestHandler[] {
  return [onlyJson, express.json({ limit, type: JSON_TYPES })];
}
