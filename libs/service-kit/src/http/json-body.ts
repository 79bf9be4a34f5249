import express, { type RequestHandler } from 'express';
import { Problem } from './problem';

const JSON_TYPES = ['application/json', 'application/*+json'];

const onlyJson: RequestHandler = (request, _response, next) => {
  // null means that there is no body at all, which is for the schema to refuse.
  if (request.is(JSON_TYPES) !== false) return next();
  next(new Problem(415, { kind: 'unsupported-media-type', detail: 'The body must be JSON, as application/json.' }));
};

/**
 * Reads a request's body, which must be JSON.
 * @param limit the longest body, such as `256kb`
 */
export function jsonBody(limit: string): readonly RequestHandler[] {
  return [onlyJson, express.json({ limit, type: JSON_TYPES })];
}
