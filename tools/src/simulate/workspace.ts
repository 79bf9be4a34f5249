import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { Service } from '@order-events/contracts';
import type {
  AuditStore,
  Decision,
  EffectHandler,
  EventHandler,
  NewEvent,
  Presence,
  Row,
  Store,
  Tables,
} from '@order-events/messaging';
import type { MemoryDatabase } from '@order-events/store';

/**
 * The domains that are simulated, loaded by path because no app is a library: from `src` where this file
 * is run from `src`, from `dist` where it was built. `simulate.spec.ts` holds these types to the real ones.
 */
export interface Workspace {
  domains: Record<Service, Domain>;
  orders: OrderRules;
  advanced(clock: { seconds: number; elapsed: number }, outboxMs: number): number;
}

export interface AuditedStore extends Store {
  readonly audit: AuditStore;
  readonly presence: Presence;
}

export interface Domain {
  tables: Tables;
  handlers: readonly EventHandler[];
  /** The effects' handlers but for the call. */
  answers: readonly Omit<EffectHandler, 'call'>[];
}

export type Order = Row & {
  order_id: string;
  status: 'pending' | 'confirmed' | 'paid' | 'completed' | 'cancelled';
  total: number;
  items: readonly { product_id: string; quantity: number }[];
  cancel_reason: string | null;
  placed_at: number;
  deadline: number | null;
};

export interface Placement {
  order_id: string;
  user_id: string;
  items: { product_id: string; quantity: number; unit_price: number }[];
  currency: string;
  email?: string;
  payment_token?: string;
}

/** What order-api decides that neither an event nor an answer asks for. */
export interface OrderRules {
  place(placement: Placement, now: number): { order: Order; history: object; event: NewEvent };
  cancelForCustomer(order: Order): { accepted: true; decision: Decision } | { accepted: false };
  refundForOperator(order: Order): { accepted: true; decision: Decision } | { accepted: false };
  expire(order: Order, now: number): Decision;
}

/** A database in memory, as far as the simulator looks into it. */
export type Database = MemoryDatabase;
export type Cursor = MemoryDatabase['cursor'];

export function loadWorkspace(): Workspace {
  const root = join(__dirname, '../../..');
  const built = basename(dirname(__dirname));
  const require = createRequire(__filename);
  const load = <T>(project: string, file: string) => require(join(root, project, built, file)) as T;

  const orderApi = load<Omit<Domain, 'answers'> & OrderRules>('apps/order-api', 'domain');
  const inventory = load<Omit<Domain, 'answers'>>('apps/inventory-service', 'domain');
  const payment = load<PaymentDomain>('apps/payment-service', 'domain');
  const logistics = load<Domain>('apps/logistics-service', 'domain');
  const email = load<EmailDomain>('apps/email-service', 'domain');
  const { advanced } = load<Pick<Workspace, 'advanced'>>('apps/order-api', 'deadlines/sweeper');
  return {
    domains: {
      'order-api': { ...orderApi, answers: [] },
      inventory: { ...inventory, answers: [] },
      payment: { ...payment, handlers: Object.values(payment.orderHandlers(null)) },
      logistics,
      email: { ...email, answers: [email.sendAnswered] },
    },
    orders: orderApi,
    advanced,
  };
}

type Answer = Domain['answers'][number];
type PaymentDomain = Omit<Domain, 'handlers'> & { orderHandlers(token: null): Record<string, EventHandler> };
type EmailDomain = Omit<Domain, 'answers'> & { sendAnswered: Answer };
