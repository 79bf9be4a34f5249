/** What one real broker does with messages, as far as whoever consumes them can tell. */
export interface Profile {
  name: string;
  /** Messages that stay in order and are in one consumer's hands at a time: of a key, of a key within a topic, or none. */
  order: 'key' | 'topic' | 'none';
  /** How often a message comes twice for no reason. */
  duplicates: number;
  /** How often a message that it has confirmed never comes. */
  loses: number;
  /** What it has not got rid of when it dies is gone: it was in memory. */
  forgets: boolean;
  /** It hands a message over once, to whoever is there: where nobody is, or it is not handled, it is gone. */
  fleeting: boolean;
}

const keeps = { loses: 0, forgets: false, fleeting: false };

/**
 * Redis (docs/transports/redis.md) is not among them: with the settings that it needs it does what `jetstream` does here, and
 * one more profile would change what every seed chooses.
 */
export const profiles: readonly Profile[] = [
  { name: 'memory', order: 'key', duplicates: 0, ...keeps },
  { name: 'postgres', order: 'key', duplicates: 0, ...keeps },
  { name: 'kafka', order: 'topic', duplicates: 0.02, ...keeps },
  { name: 'rabbitmq', order: 'none', duplicates: 0.05, ...keeps },
  { name: 'jetstream', order: 'none', duplicates: 0.05, ...keeps },
  { name: 'nats-core', order: 'none', duplicates: 0, loses: 0.02, forgets: true, fleeting: true },
  { name: 'nsq', order: 'none', duplicates: 0.1, loses: 0, forgets: true, fleeting: false },
];

/** Those that lose nothing by themselves. */
export const lossless = profiles.filter(({ loses, forgets, fleeting }) => loses === 0 && !forgets && !fleeting);
