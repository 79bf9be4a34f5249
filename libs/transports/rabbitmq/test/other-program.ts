import { readFileSync } from 'node:fs';
import { connect } from 'amqplib';

/** Publishes a body with no property at all to the exchange of the events, as any program may. */
export async function putBody(url: string, prefix: string, topic: string, body: Uint8Array, caFile?: string) {
  const connection = await connect(url, caFile ? { ca: readFileSync(caFile) } : {});
  const channel = await connection.createConfirmChannel();
  channel.publish(`${prefix}order-events`, prefix + topic, Buffer.from(body), {});
  await channel.waitForConfirms();
  await connection.close();
}
