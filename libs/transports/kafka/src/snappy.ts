import { compress, decompress } from '@order-events/messaging';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';

/** How snappy-java, and so the clients of most languages, begins what it has packed in blocks; two versions of four bytes follow. */
const MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0x00]);
const HEADER_BYTES = MAGIC.length + 8;

/** Without it a consumer of this client ends at the first batch that another program has packed so. */
export function knowSnappy(): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    // One block without a frame, which every reader takes, too.
    compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(compress(buffer, 'snappy')),
    decompress: async (packed: Buffer) => Promise.resolve(unpacked(packed)),
  });
}

/** @throws when the bytes are neither one block nor framed blocks */
export function unpacked(packed: Buffer): Buffer {
  if (!packed.subarray(0, MAGIC.length).equals(MAGIC)) return decompress(packed, 'snappy');
  const blocks: Buffer[] = [];
  for (let at = HEADER_BYTES; at < packed.length;) {
    const end = at + 4 + packed.readInt32BE(at);
    blocks.push(decompress(packed.subarray(at + 4, end), 'snappy'));
    at = end;
  }
  return Buffer.concat(blocks);
}
