import type { AuditObserver, Observer } from '@order-events/messaging';
import type { Replica } from './replica';

/** What the machinery of a process says of itself, for the trace. */
export function observe(note: (who: string, what: string) => void, replica: Replica): Observer & AuditObserver {
  const say = (what: string) => {
    if (replica.alive) note(replica.name, what);
  };
  return {
    published: () => {},
    publishFailed: (count, detail) => say(`${count} not published: ${detail}`),
    handled: () => {},
    refused: ({ topic, key }, detail) => say(`${topic} ${key} is refused: ${detail}`),
    held: (count, { message }) => say(`holds ${count}: ${message}`),
    effectDone: () => {},
    effectFailed: ({ idempotencyKey }, { message }) => say(`${idempotencyKey}: ${message}`),
    answerFailed: ({ idempotencyKey }, { message }) => say(`the answer of ${idempotencyKey}: ${message}`),
    outsideAway: (away) => say(away ? 'finds the outside away' : 'finds the outside back'),
    loopFailed: (loop, { message }) => say(`${loop} failed: ${message}`),
    verified: () => {},
    missing: (group, count) => {
      if (count > 0) say(`${group} misses ${count}`);
    },
    notResent: (group, count, detail) => say(`${count} not sent again for ${group}: ${detail}`),
    resent: (group, count) => say(`${count} sent again for ${group}`),
  };
}
