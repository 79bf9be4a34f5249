/** Ten bits an id for each of two generations: with 7 of them set, one id in a hundred is taken for one that was there. */
const IDS = 100_000;
const BITS = 1 << 20;
const HASHES = 7;

const { imul } = Math;

/**
 * Which ids were there before, of the last 100,000 to 200,000: "no" is certain for them, "perhaps" is not. What is older is forgotten
 * a generation at a time. Takes 256 KiB.
 */
export class BloomFilter {
  private young = new Uint8Array(BITS / 8);
  private old = new Uint8Array(BITS / 8);
  private added = 0;

  add(id: string): void {
    if (this.added === IDS) {
      this.old = this.young;
      this.young = new Uint8Array(BITS / 8);
      this.added = 0;
    }
    this.added++;
    const [one, two] = hashesOf(id);
    for (let nth = 0; nth < HASHES; nth++) {
      const bit = bitOf(one, two, nth);
      this.young[bit >> 3]! |= 1 << (bit & 7);
    }
  }

  mayHold(id: string): boolean {
    const [one, two] = hashesOf(id);
    return isSet(this.young, one, two) || isSet(this.old, one, two);
  }
}

function isSet(bits: Uint8Array, one: number, two: number): boolean {
  for (let nth = 0; nth < HASHES; nth++) {
    const bit = bitOf(one, two, nth);
    if (!(bits[bit >> 3]! & (1 << (bit & 7)))) return false;
  }
  return true;
}

/** Two hashes make all of them (Kirsch and Mitzenmacher). */
function bitOf(one: number, two: number, nth: number): number {
  return (one + imul(nth, two)) & (BITS - 1);
}

function hashesOf(id: string): [number, number] {
  return [fnv1a(id, 0x811c9dc5), fnv1a(id, 0x1b873593) | 1];
}

function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = imul(hash ^ text.charCodeAt(i), 0x01000193);
  // Of a product the low bits know nothing of the high ones.
  return hash ^ (hash >>> 15);
}
