import express, { type RequestHandler } from 'express';
import { Problem } from '@order-events/service-kit';

const JSON_TYPES = ['application/json', 'application/*+json'];
const LIMIT = '256kb';

const onlyJson: RequestHandler = (request, _response, next) => {
  // null means that there is no body at all, which is for the schema to refuse.
  if (request.is(JSON_TYPES) !== false) return next();
  next(new Problem(415, { kind: 'unsupported-media-type', detail: 'The body must be JSON, as application/json.' }));
};

/** Reads a request's body, which must be JSON. */
export const jsonBody: readonly RequestHandler[] = [onlyJson, express.json({ limit: LIMIT, type: JSON_TYPES })];
