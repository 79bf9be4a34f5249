import type { InboxEntry } from '../ports/store';
import { triesOf, type Arrival } from './arrival';
import type { Outcome } from './decide-batch';

/**
 * How often an event may be begun without being heard of again. Fewer than its tries, because each takes a whole process with
 * it; more than one, because a process may also be killed for another reason while it has an innocent event in hand.
 */
const CRASHES_ALLOWED = 3;
/** How long a try that was begun is left in peace: it may still run. */
const UNHEARD_MS = 30_000;

/** An event's process ended while it decided it, as far as anybody knows. */
class UncleanExit extends Error {
  override name = 'UncleanExit';
}

/** What is filed before an event is tried alone: that the try has begun, or that there is to be none any more. */
export function begun(arrival: Arrival): Pick<Required<Outcome>, 'error'> & { entry: InboxEntry } {
  const { id, topic, key, message, attempts, crashes = 0 } = arrival;
  if (crashes >= CRASHES_ALLOWED) {
    const error = new UncleanExit(`${crashes} tries in a row have ended with their process`);
    return {
      error,
      entry: { id, topic, key, state: 'dead', failure: { message, error: inWords(error), attempts, crashes } },
    };
  }
  const error = new UncleanExit(
    'nothing was heard of this try since it began: its process has ended, or is still at it',
  );
  const failure = {
    message,
    error: inWords(error),
    attempts: triesOf(arrival),
    crashes: crashes + 1,
    delayMs: UNHEARD_MS,
  };
  return { error, entry: { id, topic, key, state: 'retrying', failure } };
}

function inWords({ name, message }: Error): string {
  return `${name}: ${message}`;
}
