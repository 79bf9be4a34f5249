import { z } from 'zod';
import { Id } from './order';
import type { Service } from './topology';
import type { Registry } from './versions';

/** One version of what is asked or answered. */
type Part = Registry[string];

/** Requests by name: who may ask whom, and what is said. */
export type RequestRegistry = Readonly<
  Record<string, { callers: readonly string[]; responder: string; request: Part; reply: Part }>
>;

/** More of a product than this nobody is told: how much is sold an hour is the shop's own business. */
export const AVAILABLE_SHOWN = 10;

/** How much of a product an order would get now. It promises nothing: others order meanwhile. */
export const Availability = z.object({
  product_id: Id,
  in_stock: z.boolean(),
  /** So many at least, and no more if `or_more` is false. */
  available: z.int().min(0).max(AVAILABLE_SHOWN),
  or_more: z.boolean(),
});
export type Availability = z.infer<typeof Availability>;

/**
 * What one service asks another, with the newest version of each side. As with events a change is additive, or a new
 * version which whoever reads it must know first. They are no events of an order: nothing of it may depend on an answer.
 */
export const requests = {
  'inventory.availability': {
    callers: ['order-api'],
    responder: 'inventory',
    request: { version: 1, data: z.object({ product_id: Id }) },
    reply: { version: 1, data: Availability },
  },
} as const satisfies Record<string, RequestRegistry[string] & { callers: readonly Service[]; responder: Service }>;

export type RequestName = keyof typeof requests;

/** What is said when one of the registry's requests is made. */
export type RequestData<R extends RequestRegistry, N extends keyof R> = z.infer<R[N]['request']['data']>;
/** What is answered to it. */
export type ReplyData<R extends RequestRegistry, N extends keyof R> = z.infer<R[N]['reply']['data']>;

export function isRequestName(name: string): name is RequestName {
  return Object.hasOwn(requests, name);
}

/** In place of a reply: why there is none, as RFC 9457 has it. */
export const ReplyProblem = z.object({ type: z.string(), status: z.int(), detail: z.string().optional() });
export type ReplyProblem = z.infer<typeof ReplyProblem>;

/**
 * The topic on which a service is asked, and the group whose members share it. It is not the service's own group: what is
 * asked waits behind no events, keeps nobody from being idle, and is answered while the service is paused.
 */
export function requestsTo(service: string): string {
  return `request.${service}`;
}

/** The topic that each process of a service follows to get its answers. */
export function repliesTo(service: string): string {
  return `reply.${service}`;
}

/** Every topic of the requests with the group that reads it; a reply that nobody waits for need not be kept. */
export function requestTopics(registry: RequestRegistry): { topic: string; groups: readonly string[] }[] {
  const all = Object.values(registry);
  const asked = new Set(all.map(({ responder }) => requestsTo(responder)));
  const asking = new Set(all.flatMap(({ callers }) => callers).map(repliesTo));
  return [
    ...[...asked].map((topic) => ({ topic, groups: [topic] })),
    ...[...asking].map((topic) => ({ topic, groups: [] })),
  ];
}
