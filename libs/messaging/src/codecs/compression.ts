import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { MAX_BODY_BYTES, overLong } from './over-long';

/** In the words of `content-encoding`. */
export const compressions = ['gzip', 'snappy'] as const;
export type Compression = (typeof compressions)[number];

// eslint-disable-next-line @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports -- a native part that few need
const snappy = () => require('snappy') as typeof import('snappy');

export function compress(body: Uint8Array, compression: Compression): Buffer {
  return compression === 'gzip'
    ? gzipSync(body, { level: constants.Z_BEST_SPEED })
    : snappy().compressSync(Buffer.from(body));
}

/** @throws when the bytes are not what `encoding` says, or would be too many */
export function decompress(body: Uint8Array, encoding: string): Buffer {
  switch (encoding) {
    case 'gzip':
      return gunzip(body);
    case 'snappy':
      if (snappyLength(body) > MAX_BODY_BYTES) throw tooMuch();
      return snappy().uncompressSync(Buffer.from(body), { asBuffer: true }) as Buffer;
    default:
      throw new Error(`nobody here knows the content-encoding "${encoding}"`);
  }
}

function gunzip(body: Uint8Array): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooMuch() : error;
  }
}

const tooMuch = () => overLong('there are more in it when it is unpacked');

/** Snappy's block format begins with the length of what it holds, a varint of at most five bytes. */
function snappyLength(bytes: Uint8Array): number {
  let length = 0;
  for (const [index, byte] of bytes.subarray(0, 5).entries()) {
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  return Infinity;
}
