import { readFileSync } from 'node:fs';
import { createClient } from 'redis';

/** Adds an entry that has a body and nothing else to a stream, as any program may. */
export async function putEntry(url: string, stream: string, body: Uint8Array, caFile?: string): Promise<void> {
  const socket = caFile ? { tls: true as const, ca: readFileSync(caFile) } : {};
  const client = createClient({ url, socket });
  await client.connect();
  try {
    await client.sendCommand(['XADD', stream, '*', '$body', Buffer.from(body)]);
  } finally {
    await client.close();
  }
}
