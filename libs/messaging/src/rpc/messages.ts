import { readData, repliesTo, ReplyProblem, requestsTo, type RequestRegistry } from '@order-events/contracts';
import { decode, toBinary, withContentType } from '../cloud-events';
import { asDelivered } from '../codecs/over-long';
import { timeOf } from '../event-id';
import type { Message } from '../ports/transport';
import { RequestError } from './request-error';

/** A reply of this content type says, as RFC 9457 has it, why there is none. */
const PROBLEM = 'application/problem+json';
const PROBLEM_SCHEMA = 'urn:order-events:problem:1';

/** What request and reply have in common. */
export interface Exchange {
  /** UUIDv7, of the request. */
  id: string;
  name: string;
  /** The service that asks. */
  caller: string;
  /** Of its processes the one that asks, and waits for the reply. */
  process: string;
  traceparent?: string;
}

const requestType = (name: string) => `${name}.request`;
const replyType = (name: string) => `${name}.reply`;
const schemaOf = (type: string, version: number) => `urn:order-events:${type}:${version}`;

/** @param timeoutMs after which nobody waits for the reply any more */
export function requestMessage(
  exchange: Exchange,
  registry: RequestRegistry,
  timeoutMs: number,
  data: object,
): Message {
  const { id, name, caller, process, traceparent } = exchange;
  const { responder, request } = registry[name]!;
  const type = requestType(name);
  const attributes = {
    id,
    source: `/${caller}`,
    type,
    subject: process,
    dataschema: schemaOf(type, request.version),
    expirytime: new Date(timeOf(id) + timeoutMs).toISOString(),
    partitionkey: id,
    traceparent,
  };
  return toBinary(requestsTo(responder), id, attributes, data);
}

/** @param id of the reply */
export function replyMessage(id: string, exchange: Exchange, registry: RequestRegistry, data: object): Message {
  const { responder, reply } = registry[exchange.name]!;
  return answer(id, exchange, responder, schemaOf(replyType(exchange.name), reply.version), data);
}

/** @param id of the reply */
export function problemMessage(id: string, exchange: Exchange, responder: string, problem: ReplyProblem): Message {
  return withContentType(answer(id, exchange, responder, PROBLEM_SCHEMA, problem), PROBLEM);
}

function answer(id: string, exchange: Exchange, responder: string, dataschema: string, data: object): Message {
  const { caller, process, name, traceparent } = exchange;
  const attributes = {
    id,
    source: `/${responder}`,
    type: replyType(name),
    subject: process,
    dataschema,
    partitionkey: exchange.id,
    causationid: exchange.id,
    traceparent,
  };
  return toBinary(repliesTo(caller), exchange.id, attributes, data);
}

export type ReadRequest =
  { ok: true; exchange: Exchange; expiresAt: number; schema: string; data: unknown } | { ok: false; detail: string };

/** Reads what anybody may have sent. Whether the request is one that is known, `readData` says. */
export function readRequest(message: Message): ReadRequest {
  const decoded = decode(asDelivered(message));
  if (!decoded.ok) return decoded;
  const { id, source, type, subject, dataschema, expirytime, traceparent } = decoded.event.attributes;
  const name = /^(.+)\.request$/.exec(type!)?.[1];
  if (name === undefined) return { ok: false, detail: `${type} is no request` };
  const exchange = { id: id!, name, caller: source!.slice(1), process: subject!, traceparent };
  return {
    ok: true,
    exchange,
    expiresAt: Date.parse(expirytime ?? ''),
    schema: dataschema!,
    data: decoded.event.data,
  };
}

/** @returns the request's data in the newest version, or why it cannot be answered */
export function readRequestData(
  name: string,
  schema: string,
  data: unknown,
  registry: RequestRegistry,
): { ok: true; data: object } | { ok: false; problem: ReplyProblem } {
  const type = requestType(name);
  const known = Object.hasOwn(registry, name) ? { [type]: registry[name]!.request } : {};
  const reading = readData(type, schema, data, known);
  if (reading.ok) return reading;
  const kind = reading.problem.replace('_', '-');
  const status = reading.problem === 'invalid_data' ? 400 : 501;
  return { ok: false, problem: { type: `urn:order-events:problem:${kind}`, status, detail: reading.detail } };
}

/** To which process a reply goes and what it answers, without a look at its body. */
export function addressOf({ headers }: Message): { process?: string; request?: string } {
  return { process: headers['ce-subject'], request: headers['ce-causationid'] };
}

/**
 * @returns the reply's data in the newest version
 * @throws RequestError `refused` or `unreadable`
 */
export function readReply(message: Message, name: string, registry: RequestRegistry): object {
  const decoded = decode(asDelivered(message));
  if (!decoded.ok) throw new RequestError('unreadable', decoded.detail);
  const { attributes, data } = decoded.event;
  if (message.headers['content-type'] === PROBLEM) {
    const { success, data: problem } = ReplyProblem.safeParse(data);
    if (!success) throw new RequestError('unreadable', 'a problem that does not say what it is');
    throw new RequestError('refused', problem.detail ?? problem.type, problem);
  }
  const type = replyType(name);
  const reading = readData(type, attributes['dataschema']!, data, { [type]: registry[name]!.reply });
  if (!reading.ok) throw new RequestError('unreadable', reading.detail);
  return reading.data;
}
