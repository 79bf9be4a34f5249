import type { ReplyProblem } from '@order-events/contracts';
import type { Observer } from '../ports/runtime';
import type { NoReplyReason } from './request-error';

/** What requests tell of themselves, on either side. */
export interface RpcObserver extends Pick<Observer, 'loopFailed'> {
  /** A request of ours has ended after `ms`, with a reply unless it is said why not. */
  asked(name: string, ms: number, failure?: NoReplyReason): void;
  /** A reply to us has come when nobody waited for it any more. */
  cameLate(): void;
  /** A request to us was replied to after `ms`; `cause` is what was thrown, if that is why it was a problem. */
  answered(name: string, ms: number, problem?: ReplyProblem, cause?: unknown): void;
  /** A request to us was not answered, or its reply was lost. */
  unanswered(reason: 'expired' | 'unreadable' | 'reply_lost', detail: string): void;
}
