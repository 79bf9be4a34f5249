import type { Ask } from './databases';

export interface Line {
  product_id: string;
  quantity: number;
}

export const mailTypes = ['received', 'confirmed', 'completed', 'cancelled'] as const;
export type MailType = (typeof mailTypes)[number];

interface OrderRow {
  order_id: string;
  version: number;
  status: 'pending' | 'confirmed' | 'paid' | 'completed' | 'cancelled';
  items: Line[];
  total: number;
  currency: string;
  email: string | null;
  tracking_number: string | null;
}
interface HistoryRow {
  order_id: string;
  version: number;
  status: string;
}
interface ReservationRow {
  order_id: string;
  state: string;
  items: Line[];
}
interface PaymentRow {
  order_id: string;
  state: string;
  cancelled: boolean;
}
interface ShipmentRow {
  order_id: string;
  state: string;
  tracking_number: string | null;
}
type MailsRow = { order_id: string } & Record<MailType, string | null>;

/** What the gateway did for an order. */
interface AuthorizationRow {
  order_id: string;
  state: 'authorized' | 'captured' | 'voided';
  currency: string;
  captured: number;
  refunded: number;
}
/** What the carrier took. */
interface ParcelRow {
  order_id: string;
  tracking_number: string;
  items: Line[];
}
/** What arrived at the mail server; `copies` times the same. */
interface LetterRow {
  order_id: string;
  message_id: string;
  copies: number;
}

/** All that five services and the outside know of one order. */
export interface Case {
  order_id: string;
  order?: OrderRow;
  /** By version. */
  history: HistoryRow[];
  reservation?: ReservationRow;
  payment?: PaymentRow;
  shipment?: ShipmentRow;
  mails?: MailsRow;
  authorizations: AuthorizationRow[];
  parcels: ParcelRow[];
  letters: LetterRow[];
}

/** Joins the databases by order. Rows that stand for "nothing known yet" are left out. */
export async function loadCases(ask: Ask): Promise<Case[]> {
  const orders = await ask<OrderRow>(
    'order_api',
    `SELECT order_id, version, status, items, total::float8 AS total, currency, email, tracking_number FROM orders`,
  );
  const history = await ask<HistoryRow>(
    'order_api',
    `SELECT order_id, version, status FROM order_history ORDER BY version`,
  );
  const reservations = await ask<ReservationRow>(
    'inventory',
    `SELECT order_id, state, items FROM reservations WHERE version > 0`,
  );
  const payments = await ask<PaymentRow>(
    'payment',
    `SELECT order_id, state, cancelled FROM payments WHERE version > 0`,
  );
  const shipments = await ask<ShipmentRow>(
    'logistics',
    `SELECT order_id, state, tracking_number FROM shipments WHERE version > 0`,
  );
  const mails = await ask<MailsRow>('email', `SELECT order_id, ${mailTypes.join(', ')} FROM mails WHERE version > 0`);
  const authorizations = await ask<AuthorizationRow>(
    'sandbox',
    `SELECT order_id, state, currency, captured::float8 AS captured, refunded::float8 AS refunded FROM authorizations`,
  );
  const parcels = await ask<ParcelRow>('sandbox', `SELECT order_id, tracking_number, items FROM shipments`);
  const letters = await ask<LetterRow>(
    'sandbox',
    `SELECT order_id, message_id, copies FROM mails WHERE copies > 0 AND order_id IS NOT NULL`,
  );

  const cases = new Map<string, Case>();
  const of = ({ order_id }: { order_id: string }): Case => {
    const known = cases.get(order_id) ?? { order_id, history: [], authorizations: [], parcels: [], letters: [] };
    cases.set(order_id, known);
    return known;
  };
  for (const row of orders) of(row).order = row;
  for (const row of history) of(row).history.push(row);
  for (const row of reservations) of(row).reservation = row;
  for (const row of payments) of(row).payment = row;
  for (const row of shipments) of(row).shipment = row;
  for (const row of mails) of(row).mails = row;
  for (const row of authorizations) of(row).authorizations.push(row);
  for (const row of parcels) of(row).parcels.push(row);
  for (const row of letters) of(row).letters.push(row);
  return [...cases.values()];
}

/** The pieces of each product in a comparable form. */
export function pieces(lines: readonly Line[]): string {
  const sums = new Map<string, number>();
  for (const { product_id, quantity } of lines) sums.set(product_id, (sums.get(product_id) ?? 0) + quantity);
  return [...sums]
    .map(([product_id, quantity]) => `${quantity} × ${product_id}`)
    .sort()
    .join(', ');
}
