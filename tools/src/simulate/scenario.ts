import type { Fate } from './outside';
import type { Random } from './random';
import type { Placement } from './workspace';

/** How many pieces there are of each product. */
export const stocked: Readonly<Record<string, number>> = { plenty: 1_000, scarce: 4, last: 1 };

/** What customers want: now and then what is not there for everybody. */
export const wanted = ['plenty', 'plenty', 'plenty', 'scarce', 'last'];

/** One order's part in a simulation. */
export interface Scenario extends Placement, Fate {
  /** When its customer comes, virtual milliseconds. */
  comesAt: number;
  /** How long after its 201 the customer cancels it; null: not at all. */
  cancelsAfter: number | null;
  /** An operator wants its money to go back as soon as it is paid. */
  refunded: boolean;
}

/**
 * @param ms the time in which the customers come
 * @param products what they want
 */
export function scenariosOf(random: Random, ms: number, products: readonly string[]): Map<string, Scenario> {
  const burst = random.chance(0.5);
  const list = Array.from({ length: 5 + random.below(8) }, (_, index): Scenario => {
    const items = Array.from({ length: 1 + random.below(2) }, () => ({
      product_id: random.pick(products),
      quantity: 1 + random.below(2),
      unit_price: 100 + random.below(900),
    }));
    return {
      order_id: `o${index + 1}`,
      user_id: 'u1',
      items,
      currency: 'EUR',
      total: items.reduce((total, { quantity, unit_price }) => total + quantity * unit_price, 0),
      payment_token: 'tok_of_customer',
      ...(random.chance(0.8) && { email: 'a@example.com' }),
      authorizes: random.chance(0.9),
      captures: random.chance(0.9),
      dispatches: random.chance(0.85),
      comesAt: random.between(0, burst && random.chance(0.7) ? 20 : ms),
      refunded: false,
      cancelsAfter: random.chance(0.4) ? random.between(0, random.pick([20, 300, 3_000, 20_000])) : null,
    };
  });
  return new Map(list.map((scenario) => [scenario.order_id, scenario]));
}

/** Has an operator want some of the orders refunded. */
export function wantRefunds(random: Random, scenarios: ReadonlyMap<string, Scenario>): void {
  for (const scenario of scenarios.values()) scenario.refunded = random.chance(0.5);
}
