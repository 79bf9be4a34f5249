/** For life: the partition of a key must never change while events of it are in the log. */
export const PARTITIONS = 16;

/** FNV-1a over the key's UTF-8 bytes. */
export function partitionOf(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % PARTITIONS;
}
