import type { Random } from '../simulate/random';

/** Deals each of its cards once, in an order that chance chooses, before it deals any again. */
export class Deck<T> {
  private left: T[] = [];

  constructor(
    private readonly cards: readonly T[],
    private readonly random: Random,
  ) {}

  deal(): T {
    if (this.left.length === 0) this.left = [...this.cards];
    return this.left.splice(this.random.below(this.left.length), 1)[0]!;
  }
}
