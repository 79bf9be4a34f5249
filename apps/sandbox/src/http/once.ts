import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { Problem } from '@order-events/service-kit';
import type { Database, Queryable } from '@order-events/store';
import { readIdempotencyKey } from './input';

export interface Call {
  api: 'gateway' | 'carrier';
  kind: 'authorize' | 'capture' | 'reverse' | 'ship' | 'recall';
  idempotencyKey: string;
  /** What was asked, so that a key that comes again with something else is noticed. */
  fingerprint: string;
}

/** What a call came to: how it is answered, and what the ledger says it was about. */
export interface Outcome {
  status: number;
  body: object;
  order_id: string;
  /** Minor units; null where no money moves. */
  amount: number | null;
  currency: string | null;
  /** It is carried out and recorded, but the caller is not told; a repeat is. */
  unheard: boolean;
}

export interface Answer {
  status: number;
  /** JSON, the same bytes for each repeat. */
  body: string;
  unheard: boolean;
}

const sql = {
  lock: { name: 'call_lock', text: 'SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))' },
  find: {
    name: 'call_find',
    text: 'SELECT fingerprint, status, answer::text AS body FROM calls WHERE api = $1 AND idempotency_key = $2',
  },
  record: {
    name: 'call_record',
    text: `INSERT INTO calls (api, idempotency_key, kind, order_id, amount, currency, fingerprint, status, answer)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  },
};

/** @param input the validated body, if the call has one */
export function callOf(request: Request, api: Call['api'], kind: Call['kind'], input: object = {}): Call {
  const asked = `${request.baseUrl}${request.path}\n${JSON.stringify(input)}`;
  const fingerprint = createHash('sha256').update(asked).digest('hex');
  return { api, kind, idempotencyKey: readIdempotencyKey(request), fingerprint };
}

/**
 * Carries a call out the first time its key comes, in one transaction with the record of its answer; every repeat gets
 * that answer. Calls with one key wait for each other. Throws a 422 problem for a key that was used for something else.
 */
export function once(database: Database, call: Call, work: (session: Queryable) => Promise<Outcome>): Promise<Answer> {
  const key = [call.api, call.idempotencyKey];
  return database.transact(async (session) => {
    // There is no row to lock before the first call, so its key itself is locked.
    const [, [stored]] = await Promise.all([
      session.query(sql.lock, key),
      session.query<{ fingerprint: string; status: number; body: string }>(sql.find, key),
    ]);
    if (stored) {
      if (stored.fingerprint !== call.fingerprint) throw keyReused();
      return { status: stored.status, body: stored.body, unheard: false };
    }
    const outcome = await work(session);
    const body = JSON.stringify(outcome.body);
    const { status, order_id, amount, currency } = outcome;
    await session.query(sql.record, [...key, call.kind, order_id, amount, currency, call.fingerprint, status, body]);
    return { status, body, unheard: outcome.unheard };
  });
}

function keyReused(): Problem {
  return new Problem(422, { kind: 'idempotency-key-reused', detail: 'This key was used for another request.' });
}

export function send(response: Response, { status, body }: Answer): void {
  response
    .status(status)
    .type(status < 400 ? 'application/json' : 'application/problem+json')
    .send(body);
}
