import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { DatabaseUnavailable } from '../database';

/** An RFC 9457 problem: thrown anywhere in a request, it becomes the answer. */
export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number,
    readonly detail: string,
  ) {
    super(detail);
  }
}

/** The body of a problem; `members` are added to the standard ones. */
export function problemBody(status: number, members: Record<string, string>): object {
  return { type: 'about:blank', title: STATUS_CODES[status], status, ...members };
}

export const noSuchRoute: RequestHandler = (request) => {
  throw new Problem(404, `There is no ${request.method} ${request.path}.`);
};

export function answerWithProblem(log: Logger): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- Express knows an error handler by its four parameters
  return (error: Error, request, response, _next) => {
    const { status, detail } = asProblem(error);
    const asked = { method: request.method, path: request.path };
    if (status === 503) {
      log.warn(asked, error.message);
      response.set('Retry-After', '1');
    } else if (status >= 500) {
      log.error({ ...asked, err: error }, detail);
    }
    response.status(status).type('application/problem+json').send(problemBody(status, { detail }));
  };
}

function asProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DatabaseUnavailable) return new Problem(503, 'The ledger cannot be written or read right now.');
  // Express marks what is the sender's own fault: JSON that cannot be parsed, a body that is too large.
  const { status, expose } = error as Error & { status?: number; expose?: boolean };
  if (expose && status) return new Problem(status, error.message);
  return new Problem(500, 'The sandbox has a defect; its log tells more.');
}
