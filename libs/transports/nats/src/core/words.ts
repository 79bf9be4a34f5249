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

/** Where the receipts of an inbox's nth message are to go. */
export const receiptsOf = (inbox: string, nth: number) => `${inbox}.receipt.${nth}`;

/** Whoever else wants an answer means that of a stream. */
export const wantsReceipt = ({ reply = '' }: Msg): boolean => /\.receipt\.\d+$/.test(reply);

export const receipt = (word: Word, group: string) => `${word} ${group}`;

/** @returns undefined for what is none: a stream on the same subject answers, too. */
export function readReceipt(msg: Msg): { word: Word; group: string } | undefined {
  const [, word, group] = /^(held|full|stuck) (.+)$/.exec(msg.string()) ?? [];
  return word === undefined || group === undefined ? undefined : { word: word as Word, group };
}

/** @returns undefined for what is none */
export function readSign(msg: Msg): Sign | undefined {
  const { id, left } = read<Sign>(msg);
  return typeof id === 'string' ? { id, ...(left && { left }) } : undefined;
}

/** @returns undefined for what is none */
export function readAnswer(msg: Msg): RollAnswer | undefined {
  const { id, topics, held, peers } = read<RollAnswer>(msg);
  const isOne = typeof id === 'string' && Array.isArray(topics) && typeof held === 'number' && Array.isArray(peers);
  return isOne ? { id, topics, held, peers } : undefined;
}

/** Anybody may have sent it. */
function read<T>(msg: Msg): Partial<T> {
  try {
    return msg.json<Partial<T> | null>() ?? {};
  } catch {
    return {};
  }
}

/** The server's word that nobody listens. */
export const isUnclaimed = ({ headers }: Msg): boolean => headers?.code === 503;
