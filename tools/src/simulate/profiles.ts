/** What one real broker does with messages, as far as whoever consumes them can tell. */
export interface Profile {
  name: string;
  /** Messages that stay in order and are in one consumer's hands at a time: of a key, of a key within a topic, or none. */
  order: 'key' | 'topic' | 'none';
  /** How often a message comes twice for no reason. */
  duplicates: number;
  /** How often a message that it has confirmed never comes. */
  loses: number;
}

export const profiles: readonly Profile[] = [
  { name: 'memory', order: 'key', duplicates: 0, loses: 0 },
  { name: 'postgres', order: 'key', duplicates: 0, loses: 0 },
  { name: 'kafka', order: 'topic', duplicates: 0.02, loses: 0 },
  { name: 'rabbitmq', order: 'none', duplicates: 0.05, loses: 0 },
  { name: 'jetstream', order: 'none', duplicates: 0.05, loses: 0 },
  { name: 'nats-core', order: 'none', duplicates: 0, loses: 0.02 },
  { name: 'nsq', order: 'none', duplicates: 0.1, loses: 0.01 },
];

/**
 * What a simulation chooses from by itself. Where messages get lost only the delivery audit brings them back, so until it
 * runs here a broker that loses is simulated only when it is asked for by name, and then orders do get stuck.
 */
export const lossless = profiles.filter(({ loses }) => loses === 0);
