import type { Call, Command, Result } from '../command';
import { query, shortened, table } from '../output';
import { byHand, byHandOptions } from './options';

interface Order {
  order_id: string;
  status: string;
  total: number;
  currency: string;
  history: { at: string; event: string; status: string }[];
}
interface OutboxRow {
  id: string;
  topic: string;
  created_at: string;
}
interface InboxRow {
  consumer_group: string;
  id: string;
  topic: string;
  state: string;
  at: string;
  attempts: number | null;
  errors: { error: string }[] | null;
}
interface EffectRow {
  kind: string;
  idempotency_key: string;
  state: string;
  attempts: number;
  created_at: string;
  closed_at: string | null;
  errors: { error: string }[];
}
interface Way {
  outbox: OutboxRow[];
  inbox: InboxRow[];
  effects: EffectRow[];
  /** What the service itself knows of the order. */
  holds: Record<string, unknown> | null;
}
interface Items<T> {
  items: T[];
}

const MAILS = { service: 'email', kind: 'mail.send' };

async function show({ services, args }: Call): Promise<Result> {
  const [id] = args as [string];
  const rows = query({ key: id, limit: 1_000 });
  const [held, outboxes, inboxes, effects] = await Promise.all([
    services.askAll<Record<string, unknown>>(`/orders/${encodeURIComponent(id)}`),
    services.askAll<Items<OutboxRow>>(`/outbox${rows}`),
    services.askAll<Items<InboxRow>>(`/inbox${rows}`),
    services.askAll<Items<EffectRow>>(`/effects${rows}`),
  ]);
  const ways: Record<string, Way> = {};
  for (const service of services.names) {
    const [outbox, inbox, calls] = [outboxes, inboxes, effects].map((of) => of.get(service)?.items ?? []);
    ways[service] = { outbox, inbox, effects: calls, holds: held.get(service) ?? null } as Way;
  }
  const order = held.get('order-api') as Order | undefined;
  const steps = Object.entries(ways).flatMap(([service, way]) => stepsOf(service, way));
  if (held.size + steps.length === 0) return { text: `There is no order ${id}.`, data: null, failed: true };
  steps.sort(([a], [b]) => a.localeCompare(b));
  const mails = (ways[MAILS.service]?.effects ?? []).filter(({ kind }) => kind === MAILS.kind);
  const parts = [order ? summary(order) : `order-api knows no order ${id}`];
  parts.push(table(['AT', 'SERVICE', 'DOES', 'WHAT', 'FAILED TRIES', 'LAST ERROR'], steps));
  if (held.size > 0) parts.push(table(['SERVICE', 'HOLDS', ''], [...held].flatMap(factsOf)));
  if (mails.length > 0) {
    const shown = mails.map(({ idempotency_key, state, attempts, closed_at }) => {
      return [idempotency_key, state === 'closed' ? 'handed over' : state, attempts, closed_at];
    });
    parts.push(table(['MAIL', 'STATE', 'FAILED TRIES', 'AT'], shown));
  }
  return { text: parts.join('\n\n'), data: { order: order ?? null, services: ways } };
}

interface Refund {
  order_id: string;
  status: string;
  payment: string | null;
}

async function refund({ services, args, values }: Call): Promise<Result> {
  const [id] = args as [string];
  const order = await services.ask<Refund>('order-api', `/orders/${encodeURIComponent(id)}/refund`, byHand(values));
  if (order === undefined) return { text: '', data: null };
  if (order === null) return { text: `There is no order ${id}.`, data: null, failed: true };
  const { status, payment } = order;
  const text =
    status === 'paid'
      ? `order ${id} is recalled: it is cancelled and refunded, unless the carrier has its goods`
      : `order ${id} is ${status} already, its payment ${payment ?? 'not known yet'}`;
  return { text, data: order };
}

function summary({ order_id, status, total, currency }: Order): string {
  return `order ${order_id}: ${status}, ${total} ${currency} (minor units)`;
}

/** What is empty, stands above already, or is told step by step is left out. */
function factsOf([service, row]: [service: string, row: Record<string, unknown>]): [string, string, string][] {
  const { order_id: _id, history: _steps, ...facts } = row;
  return Object.entries(facts).flatMap(([name, value]): [string, string, string][] =>
    value === null ? [] : [[service, name, typeof value === 'string' ? value : JSON.stringify(value)]],
  );
}

type Step = [at: string, service: string, does: string, what: string, tries: number | null, error: string | null];

/** What one service did about the order, by its own clock; what it took in stands before what it told because of that. */
function stepsOf(service: string, { outbox, inbox, effects }: Way): Step[] {
  const last = (errors: { error: string }[] | null) => shortened(errors?.at(-1)?.error ?? '', 80) || null;
  return [
    ...inbox.map(({ at, state, topic, consumer_group, attempts, errors }): Step => {
      const what = consumer_group === service ? topic : `${topic} (${consumer_group})`;
      return [at, service, state, what, attempts, last(errors)];
    }),
    ...outbox.map(({ created_at, topic }): Step => [created_at, service, 'tells', topic, null, null]),
    ...effects.map(({ created_at, closed_at, state, kind, attempts, errors }): Step => {
      const does = state === 'closed' ? 'called' : `call ${state}`;
      return [closed_at ?? created_at, service, does, kind, attempts, last(errors)];
    }),
  ];
}

export const orderCommands: readonly Command[] = [
  {
    name: 'orders show',
    args: ['ID'],
    options: {},
    does: 'Shows the way of an order through all services: what each told, took in, called and mailed, and holds of it.',
    run: show,
  },
  {
    name: 'orders refund',
    args: ['ID'],
    options: byHandOptions,
    needs: ['reason'],
    does: `Has the money of a paid order go back, if its goods can be kept: logistics asks the carrier, and unless that has taken
      them the order is cancelled. An order that is completed is refused.`,
    run: refund,
  },
];
