import type { Msg } from 'nats';

/**
 * What a member says of a message that has reached it. `held`: it keeps it until it is handled. `full`: it has no room now.
 * `stuck`: nor has it had any for a while, so that nobody is to wait for it.
 */
export type Word = 'held' | 'full' | 'stuck';

/** What a member says of itself. */
export interface RollAnswer {
  id: string;
  topics: string[];
  /** Messages in its hands. */
  held: number;
  /** The other members of its group that it knows of. */
  peers: string[];
}

/** What members tell each other: that one is there, or goes. */
export interface Sign {
  id: string;
  left?: true;
}

export const receipt = (word: Word, group: string) => `${word} ${group}`;

/** @returns undefined for what is none: a stream on the same subject answers, too. */
export function readReceipt(msg: Msg): { word: Word; group: string } | undefined {
  const [, word, group] = /^(held|full|stuck) (.+)$/.exec(msg.string()) ?? [];
  return word === undefined || group === undefined ? undefined : { word: word as Word, group };
}

/** @returns undefined for what is none */
export function readSign(msg: Msg): Sign | undefined {
  try {
    const sign = msg.json<Sign | null>();
    return typeof sign?.id === 'string' ? sign : undefined;
  } catch {
    return undefined;
  }
}

/** The server's word that nobody listens. */
export const isUnclaimed = ({ headers }: Msg): boolean => headers?.code === 503;
