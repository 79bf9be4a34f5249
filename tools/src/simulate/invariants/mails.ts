import type { Order } from '../workspace';
import type { Invariant, Sight } from './invariant';

const types = ['received', 'confirmed', 'completed', 'cancelled'] as const;
type Mails = Record<(typeof types)[number], string | null>;

/** One Message-ID for each mail of an order, and the last one tells how it ended. */
export function mails({ databases, scenarios, outside, report }: Sight): Invariant {
  let forgotten = false;
  return {
    restored(service) {
      forgotten ||= service === 'email';
    },
    end() {
      const rows = databases.email.database.table<Mails>('mails');
      for (const { order_id, status } of databases['order-api'].database.table<Order>('orders').values()) {
        const ids = [...outside.of(order_id).mails.keys()];
        for (const type of types) {
          const state = rows.get(order_id)?.[type] ?? null;
          if (state === 'queued') report(`the mail "${type}" of ${order_id} stays queued`);
          const arrived = ids.filter((id) => id.startsWith(`${order_id}.${type}`)).length;
          // Sent before, and of no use any more when it was to be sent again.
          const wasSent = forgotten && (state === null || state === 'skipped') && arrived === 1;
          if (arrived !== (state === 'sent' ? 1 : 0) && !wasSent)
            report(`the mail "${type}" of ${order_id} is ${state} and has arrived under ${arrived} Message-IDs`);
        }
        const last = rows.get(order_id)?.[status as 'completed'];
        if (scenarios.get(order_id)!.email && last !== 'sent') report(`${order_id} is ${status} and its mail ${last}`);
      }
    },
  };
}
