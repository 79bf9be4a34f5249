import { compress } from '@order-events/messaging';
import { unpacked } from './snappy';

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** As snappy-java writes it: https://github.com/xerial/snappy-java, SnappyOutputStream. */
function framed(...blocks: string[]): Buffer {
  const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
  const packed = blocks.map((block) => compress(Buffer.from(block), 'snappy'));
  return Buffer.concat([magic, int32(1), int32(1), ...packed.flatMap((block) => [int32(block.length), block])]);
}

test.each([
  ['one block', compress(Buffer.from('one block'), 'snappy')],
  ['in a frame', framed('in a frame')],
  ['in several blocks of a frame', framed('in several', ' blocks of a frame')],
  ['', framed()],
])('%s is read', (text, packed) => {
  expect(unpacked(packed).toString()).toBe(text);
});

test.each([
  ['no snappy', Buffer.from([1, 2, 3, 4])],
  ['half a frame', framed('a long text '.repeat(50)).subarray(0, -3)],
  ['a block that ends before it begins', Buffer.concat([framed(), int32(-20), int32(0)])],
  ['a frame without a length', Buffer.concat([framed('x'), Buffer.from([0])])],
])('%s is refused', (_, packed) => {
  expect(() => unpacked(packed)).toThrow();
});
