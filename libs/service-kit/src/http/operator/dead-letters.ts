import { isUtf8 } from 'node:buffer';
import { Router } from 'express';
import { z } from 'zod';
import { contentOf, isCoded } from '@order-events/messaging';
import type { DeadLetters, FailedEvent } from '@order-events/store';
import { REDACTED } from '../../log';
import { jsonBody } from '../json-body';
import { pageOf, placeFrom } from '../paging';
import { onlyMethods, Problem } from '../problem';
import { dryRun, Filter, forReal, Text } from './input';

const Seconds = z.coerce.number().min(0).max(1e9);

/** Which dead letters are meant. */
const filter = {
  group: Text(200).optional(),
  type: Text(200).optional(),
  key: Text(1_000).optional(),
  id: z.guid().optional(),
  error: Text(1_000).optional(),
  older_than: Seconds.optional(),
};
const Named = z.object({ group: Text(200), id: z.guid() });
const List = z.strictObject({ ...filter, limit: Filter.shape.limit, cursor: z.string().max(5_000).optional() });
/** Postgres knows no year 0. */
const Time = z.iso.datetime({ offset: true }).refine((time) => !time.startsWith('0000'));
const Place = z.tuple([Time, z.string(), z.guid()]);

const which = { ...filter, limit: z.int().min(1).max(100_000).default(1_000) };
const rate = { per_second: z.number().positive().max(100_000).optional() };
const Redrive = z.discriminatedUnion('dry_run', [
  z.strictObject({ ...which, ...dryRun, ...rate }),
  z.strictObject({ ...which, ...forReal, ...rate }),
]);
const Discard = z.discriminatedUnion('dry_run', [
  z.strictObject({ ...which, ...dryRun }),
  z.strictObject({ ...which, ...forReal }),
]);

/** Events that are not tried any more by themselves: to be looked at, sent through again, or given up. */
export function deadLetterRoutes(letters: DeadLetters): Router {
  const routes = Router();
  routes
    .route('/dead-letters')
    .get(async (request, response) => {
      const { limit, cursor, ...filter } = List.parse(request.query);
      const behind = cursor === undefined ? undefined : placeFrom(cursor, Place);
      const rows = await letters.list(filter, limit + 1, behind);
      response.json(
        pageOf(
          rows,
          limit,
          ({ place }) => place,
          ({ letter }) => letter,
        ),
      );
    })
    .all(onlyMethods('GET', 'HEAD'));
  routes
    .route('/dead-letters/redrive')
    .post(...jsonBody('64kb'), async (request, response) => {
      const order = Redrive.parse(request.body);
      const { dry_run, limit } = order;
      const count = await (dry_run ? letters.count(order, limit) : letters.redrive(order, order, order.per_second));
      response.json({ dry_run, count });
    })
    .all(onlyMethods('POST'));
  routes
    .route('/dead-letters/discard')
    .post(...jsonBody('64kb'), async (request, response) => {
      const order = Discard.parse(request.body);
      assertNamed(order);
      const { dry_run, limit } = order;
      response.json({ dry_run, count: await (dry_run ? letters.count(order, limit) : letters.discard(order, order)) });
    })
    .all(onlyMethods('POST'));
  routes
    .route('/dead-letters/:group/:id')
    .get(async (request, response) => {
      const named = Named.safeParse(request.params).data;
      const event = named && (await letters.find(named.group, named.id));
      if (!event) throw new Problem(404, { kind: 'not-found', detail: 'No failed event is kept under this id.' });
      response.json(shown(event));
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}

/** What is discarded does not come back: all that there is must not be meant by having said nothing. */
function assertNamed(order: z.infer<typeof Discard>): void {
  const names = Object.keys(filter) as (keyof typeof filter)[];
  if (names.some((name) => order[name] !== undefined)) return;
  const detail = `A discard is for good, so it must say of what: ${names.join(', ')}.`;
  throw new Problem(400, { kind: 'names-nothing', detail });
}

/** Also in what is broken JSON, and ends too early. */
const CARD_TOKEN = /("payment_token"\s*:\s*)"(?:[^"\\]|\\.)*"?/g;

/** The body as text if it is one, or holds data in another form, without card tokens; else in base64. */
function shown(event: FailedEvent) {
  const text = textOf(event)?.replace(CARD_TOKEN, `$1"${REDACTED}"`);
  const body = text ?? event.body.toString('base64');
  return { ...event, body, body_encoding: text === undefined ? 'base64' : 'utf-8' };
}

function textOf(event: FailedEvent): string | undefined {
  if (!isCoded(event)) return isUtf8(event.body) ? event.body.toString() : undefined;
  try {
    return JSON.stringify(contentOf(event));
  } catch {
    // That nobody can read it may be why it is dead.
    return undefined;
  }
}
