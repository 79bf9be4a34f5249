export interface Variant {
  name: string;
  /** Does its work once. @returns how many events that were */
  run(): Promise<number>;
}

export interface Compared {
  name: string;
  /** Events a second; the middle of all rounds. */
  perSecond: number;
  /** How many times as fast as the first variant in the same round. */
  times: { middle: number; least: number; most: number };
}

/**
 * Lets variants of one piece of work take turns, and compares each with the first of its own round, so that what else
 * this machine does meets them all alike. A round before those that count warms up.
 */
export async function compare(variants: readonly Variant[], rounds: number): Promise<Compared[]> {
  const rates = variants.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const index of turns(variants.length, round)) {
      const started = performance.now();
      const events = await variants[index]!.run();
      if (round > 0) rates[index]!.push((1_000 * events) / (performance.now() - started));
    }
  }
  return variants.map(({ name }, index) => {
    const times = rates[index]!.map((rate, round) => rate / rates[0]![round]!);
    return {
      name,
      perSecond: middle(rates[index]!),
      times: { middle: middle(times), least: Math.min(...times), most: Math.max(...times) },
    };
  });
}

/** Who begins changes from round to round. */
function turns(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + round) % count);
}

function middle(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** As lines that line up. */
export function table(title: string, compared: readonly Compared[]): string[] {
  const width = Math.max(title.length, ...compared.map(({ name }) => name.length));
  const line = (name: string, perSecond: string, times: string, range: string) =>
    `${name.padEnd(width)}  ${perSecond.padStart(9)}  ${times.padStart(7)}  ${range}`.trimEnd();
  return [
    line(title, 'events/s', 'times', 'least to most'),
    ...compared.map(({ name, perSecond, times: { middle: half, least, most } }) =>
      line(name, Math.round(perSecond).toString(), half.toFixed(2), `${least.toFixed(2)} to ${most.toFixed(2)}`),
    ),
  ];
}
