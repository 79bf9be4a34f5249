import { readFileSync } from 'node:fs';
import { connect } from 'amqplib';

/** Publishes a body with no property at all to the exchange of the events, as any program may. Rejects when no queue takes it. */
export async function putBody(url: string, prefix: string, topic: string, body: Uint8Array, caFile?: string) {
  const connection = await connect(url, caFile ? { ca: readFileSync(caFile) } : {});
  try {
    const channel = await connection.createConfirmChannel();
    let isReturned = false;
    channel.once('return', () => (isReturned = true));
    channel.publish(`${prefix}order-events`, prefix + topic, Buffer.from(body), { mandatory: true });
    // What is returned comes before its confirm.
    await channel.waitForConfirms();
    if (isReturned) throw new Error(`no queue takes what is published to ${prefix}${topic}`);
  } finally {
    await connection.close();
  }
}
