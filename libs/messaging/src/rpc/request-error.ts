import type { ReplyProblem } from '@order-events/contracts';

/**
 * Why a request has no reply. `no_responder`: nobody was there to be asked, and it was not sent; `timeout`: nobody knows
 * whether it was sent, and what became of it; `not_sent`: the broker did not take it; `too_many`: too many wait for replies already;
 * `refused`: the responder said why not, in `problem`; `unreadable`: what came is no reply that this version knows.
 */
export type NoReplyReason = 'no_responder' | 'timeout' | 'not_sent' | 'too_many' | 'refused' | 'unreadable';

/** A request that has no reply. */
export class RequestError extends Error {
  override name = 'RequestError';

  constructor(
    readonly reason: NoReplyReason,
    message: string,
    readonly problem?: ReplyProblem,
  ) {
    super(message);
  }
}
