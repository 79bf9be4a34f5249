import { Random } from '../simulate/random';
import { Deck } from './deck';

const cards = ['kill', 'kill', 'cut', 'slow', 'poison'];
const deal = (seed: number, count: number) => {
  const deck = new Deck(cards, new Random(seed));
  return Array.from({ length: count }, () => deck.deal());
};

test('each round has every card, as often as it is there', () => {
  const dealt = deal(1, 15);
  for (const from of [0, 5, 10]) expect(dealt.slice(from, from + 5).sort()).toEqual([...cards].sort());
});

test('the seed says in what order, and rounds differ', () => {
  expect(deal(7, 15)).toEqual(deal(7, 15));
  const orders = new Set(Array.from({ length: 20 }, (_, seed) => deal(seed, 5).join()));
  expect(orders.size).toBeGreaterThan(5);
  const dealt = deal(7, 50).join();
  expect(dealt.slice(0, dealt.length / 2)).not.toBe(dealt.slice(-dealt.length / 2));
});
