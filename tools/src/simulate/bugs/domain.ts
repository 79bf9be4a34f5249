import type { Service } from '@order-events/contracts';
import type { Decision, EffectHandler, EventHandler, Row } from '@order-events/messaging';
import type { Parts } from '../parts';
import { profiles } from '../profiles';
import type { Bug } from './bug';

type AnyRow = Row & Record<string, unknown>;
interface Line {
  product_id: string;
  quantity: number;
}
interface Body {
  order_id: string;
  items: Line[];
}

export const domainBugs: readonly Bug[] = [
  {
    name: 'no tombstone in inventory',
    within: 40,
    parts: deciding('inventory', 'order.cancelled', (right, { reservation }) =>
      reservation!['state'] === 'none' ? {} : right(),
    ),
  },
  {
    name: 'no tombstone in logistics',
    within: 40,
    parts: deciding('logistics', 'order.cancelled', (right, { shipment }) =>
      shipment!['state'] === 'none' ? {} : right(),
    ),
  },
  {
    name: 'no tombstone in payment',
    within: 40,
    parts: deciding('payment', 'order.cancelled', (right, { payment }) =>
      payment!['state'] === 'none' ? {} : right(),
    ),
  },
  {
    name: 'a cancel while the card is being asked is forgotten',
    within: 40,
    parts: deciding('payment', 'order.cancelled', (right, { payment }) =>
      payment!['state'] === 'authorizing' ? {} : right(),
    ),
  },
  {
    name: 'no refund',
    within: 20,
    parts: { handlers: (handlers) => handlers.map(withoutRefund), effects: (handlers) => handlers.map(withoutRefund) },
  },
  {
    name: 'gives back stock that it never held',
    within: 20,
    parts: deciding('inventory', 'order.cancelled', (right, { reservation }, { items }, rows) => {
      if (reservation!['state'] !== 'rejected') return right();
      const stock = items.flatMap(({ product_id, quantity }) => {
        const row = rows['stock']!.get(product_id) as AnyRow & { available: number };
        return { ...row, version: row.version + 1, available: row.available + quantity };
      });
      return { rows: { ...right().rows, stock } };
    }),
  },
  {
    name: 'a customer may cancel what is paid',
    within: 40,
    parts: {
      rules: (rules) => ({
        ...rules,
        cancelForCustomer: (order) =>
          rules.cancelForCustomer(order.status === 'paid' ? { ...order, status: 'confirmed' } : order),
      }),
    },
  },
  {
    name: 'a refund does not ask logistics for the goods',
    within: 100,
    parts: {
      rules: (rules) => ({
        ...rules,
        refundForOperator: (order) =>
          order.status === 'paid' ? rules.cancelForCustomer({ ...order, status: 'confirmed' }) : { accepted: false },
      }),
    },
  },
  {
    name: 'keeps goods that the carrier may have taken',
    within: 100,
    parts: deciding('logistics', 'order.recalled', (right, { shipment }, { order_id }) =>
      shipment!['state'] === 'dispatching' ? keeping(shipment!, order_id) : right(),
    ),
  },
  {
    name: 'says that goods stay before the carrier does',
    within: 40,
    parts: deciding('logistics', 'order.recalled', (right, { shipment }, { order_id }) => {
      const { effects = [] } = right();
      return effects.length > 0 ? keeping(shipment!, order_id) : {};
    }),
  },
  {
    name: 'hands over goods that are recalled',
    within: 40,
    parts: deciding('logistics', 'order.paid', (right, { shipment }) => {
      if (shipment!['reason'] === 'recalled' || shipment!['state'] === 'recalling') shipment!['state'] = 'planned';
      return right();
    }),
  },
  {
    name: 'takes the answer to a recall for a yes',
    // Rare: the carrier must have the goods, and logistics must have forgotten that it asked for that.
    within: 40,
    profile: profiles.find(({ name }) => name === 'nsq')!,
    parts: {
      effects: (handlers) =>
        handlers.map((handler) =>
          handler.kind !== 'carrier.recall'
            ? handler
            : {
                ...handler,
                decide: (rows, input) => handler.decide(rows, input, { outcome: 'refused', reason: 'recalled' }),
              },
        ),
    },
  },
  {
    name: 'a late yes revives a cancelled order',
    within: 40,
    parts: {
      handlers: (handlers, { service }) =>
        service !== 'order-api'
          ? handlers
          : handlers.map((handler) => ({
              ...handler,
              decide(rows, event) {
                const orders = new Map(
                  [...rows['orders']!].map(([id, order]) => {
                    const { status } = order as AnyRow;
                    return [id, { ...order, status: status === 'cancelled' ? 'pending' : status }];
                  }),
                );
                return handler.decide({ ...rows, orders }, event);
              },
            })),
    },
  },
];

/** The row of an order in each service's table of orders. */
type OrderRows = { reservation?: AnyRow; shipment?: AnyRow; payment?: AnyRow };

/** Decides one kind of event otherwise. */
function deciding(
  service: Service,
  topic: string,
  decide: (
    right: () => Decision,
    row: OrderRows,
    body: Body,
    rows: Record<string, ReadonlyMap<string, Row>>,
  ) => Decision,
): Pick<Parts, 'handlers'> {
  const change = (handler: EventHandler): EventHandler => ({
    ...handler,
    decide(rows, event) {
      const body = event.data as Body;
      const row = (table: string) => rows[table]?.get(body.order_id) as AnyRow | undefined;
      const own = { reservation: row('reservations'), shipment: row('shipments'), payment: row('payments') };
      return decide(() => handler.decide(rows, event) as Decision, own, body, rows);
    },
  });
  return {
    handlers: (handlers, place) =>
      place.service !== service
        ? handlers
        : handlers.map((handler) => (handler.topic === topic ? change(handler) : handler)),
  };
}

/** Logistics tells that it keeps the goods. */
function keeping(shipment: AnyRow, order_id: string): Decision {
  const reason = 'recalled';
  const failed = { ...shipment, version: shipment.version + 1, state: 'failed', reason };
  const about = { subject: order_id, sequence: failed.version };
  return {
    rows: { shipments: [failed] },
    events: [{ type: 'shipment.failed', ...about, data: { order_id, reason } }],
  };
}

function withoutRefund<H extends EventHandler | EffectHandler>(handler: H): H {
  const decide = (...args: Parameters<EventHandler['decide']>) => {
    const decision = (handler as EventHandler).decide(...args) as Decision;
    return { ...decision, effects: (decision.effects ?? []).filter(({ kind }) => kind !== 'gateway.reverse') };
  };
  return { ...handler, decide: (...args: unknown[]) => decide(...(args as Parameters<EventHandler['decide']>)) };
}
