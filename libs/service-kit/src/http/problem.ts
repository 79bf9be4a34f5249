import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { ZodError } from 'zod';
import type { ReplyProblem } from '@order-events/contracts';
import { RequestError, StoreError, type NoReplyReason } from '@order-events/messaging';
import type { Logger } from '../log';
import { reasonOf } from '../reason';

export interface ProblemOptions {
  /** The last part of the problem's type, `urn:order-events:problem:<kind>`; stable, for programs. */
  kind: string;
  detail?: string;
  /** What is wrong where; `pointer` is a JSON pointer into the request's body. */
  errors?: readonly { pointer: string; detail: string }[];
  headers?: Readonly<Record<string, string>>;
}

/** An error that the caller is told of, as RFC 9457 problem details. */
export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number,
    readonly options: ProblemOptions,
  ) {
    super(options.detail ?? options.kind);
  }
}

const typeOf = (kind: string) => `urn:order-events:problem:${kind}`;

/** The body of problem details. */
export function problemBody({ status, options: { kind, detail, errors } }: Problem): object {
  return { type: typeOf(kind), title: STATUS_CODES[status], status, detail, errors };
}

/** What another service is told of an error, as a caller over HTTP would be. */
export function replyProblem(error: unknown): ReplyProblem {
  const { status, options } = toProblem(error);
  const { kind, detail } = options;
  return { type: typeOf(kind), status, ...(detail !== undefined && { detail }) };
}

function sendProblem(response: Response, problem: Problem): void {
  const { status, options } = problem;
  response
    .status(status)
    .set(options.headers ?? {})
    .type('application/problem+json');
  response.send(JSON.stringify(problemBody(problem)));
}

/** Answers every request that no route took. */
export const notFound: RequestHandler = (request, _response, next) => {
  next(new Problem(404, { kind: 'not-found', detail: `There is nothing at ${request.path}.` }));
};

/** For a path that exists, but not with this method. */
export function onlyMethods(...allowed: string[]): RequestHandler {
  return (request, _response, next) => {
    next(
      new Problem(405, {
        kind: 'method-not-allowed',
        detail: `${request.method} is not possible here, only ${allowed.join(', ')}.`,
        headers: { allow: allowed.join(', ') },
      }),
    );
  };
}

/** Turns whatever a route threw into problem details. What is not meant for the caller is logged, and not shown. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = toProblem(error);
    const asked = { method: request.method, path: request.path };
    if (problem.status === 503)
      log.warn({ ...asked, reason: reasonOf(error) }, 'answered 503; the caller may try again');
    else if (problem.status >= 500)
      log.error({ ...asked, err: error }, 'answered 500: a defect of ours, or data that the database refuses');
    sendProblem(response, problem);
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ZodError) return invalid(error);
  if (error instanceof StoreError && error.kind !== 'rejected') return STORE_PROBLEMS[error.kind];
  if (error instanceof RequestError) return REQUEST_PROBLEMS[error.reason];
  const { status, type } = error as { status?: unknown; type?: unknown };
  // The body parser's errors carry a status and a type; their messages may repeat the input, so they are not shown.
  if (typeof status === 'number' && typeof type === 'string' && status < 500) {
    const detail = BODY_PROBLEMS[type] ?? 'The request body could not be read.';
    return new Problem(status, { kind: type.replaceAll('.', '-'), detail });
  }
  if (error instanceof URIError) return new Problem(400, { kind: 'malformed-path', detail: 'The path is not valid.' });
  return new Problem(500, { kind: 'internal', detail: 'Something went wrong on our side.' });
}

const headers = { 'retry-after': '1' };
const STORE_PROBLEMS = {
  // A commit whose answer got lost looks the same as a database that is not there.
  unavailable: new Problem(503, {
    kind: 'unavailable',
    detail: 'The database does not answer. If this request was to change something, it is not known whether it did.',
    headers,
  }),
  contended: new Problem(503, {
    kind: 'contended',
    detail: 'Too much is asked of the same data at once. Nothing was changed; the same request may succeed.',
    headers,
  }),
};

/**
 * 503 and not 504, which is for gateways: that another service has a part in the answer is our own affair, and only with a
 * 503 a `Retry-After` has a meaning.
 */
const noReply = (kind: string, detail: string) => new Problem(503, { kind, detail, headers });
const REQUEST_PROBLEMS: Record<NoReplyReason, Problem> = {
  no_responder: noReply('no-responder', 'The service that knows the answer is not there at the moment.'),
  timeout: noReply('no-reply', 'The service that knows the answer did not give it in time.'),
  not_sent: noReply('not-asked', 'The service that knows the answer cannot be asked at the moment.'),
  too_many: noReply('too-many-requests-open', 'Too many requests wait for their answers already.'),
  refused: noReply('reply-refused', 'The service that knows the answer cannot give it at the moment.'),
  unreadable: noReply('reply-unreadable', 'The service that knows the answer has given one that is not understood.'),
};

const BODY_PROBLEMS: Record<string, string> = {
  'entity.parse.failed': 'The body is not valid JSON.',
  'entity.too.large': 'The body is too large.',
  'encoding.unsupported': 'The content encoding is not supported.',
  'charset.unsupported': 'The character set is not supported.',
  'request.aborted': 'The request ended before its body was complete.',
};

/** Of a body that is wrong in a hundred thousand places, nobody needs to be told more. */
const ERRORS_TOLD = 50;

function invalid(error: ZodError): Problem {
  const errors = error.issues.slice(0, ERRORS_TOLD).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    detail: message,
  }));
  return new Problem(400, { kind: 'invalid-request', detail: 'The request is not valid; see errors.', errors });
}
