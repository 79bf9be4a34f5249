import { readFileSync } from 'node:fs';
import { Kafka, logLevel, Partitioners, type KafkaConfig } from 'kafkajs';

/** Puts a record without a key on a topic, as any program does. */
export async function putRecord(
  brokers: string,
  topic: string,
  body: Uint8Array,
  { caFile, sasl }: { caFile?: string; sasl?: KafkaConfig['sasl'] } = {},
): Promise<void> {
  const ssl = caFile ? { ca: readFileSync(caFile) } : undefined;
  const client = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING, ssl, sasl });
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  try {
    await producer.connect();
    await producer.send({ topic, messages: [{ value: Buffer.from(body) }] });
  } finally {
    await producer.disconnect();
  }
}
