import { pidsIn, type Say, stopInstance, withLock } from '@order-events/testing';
import { dockerDown, readDocker } from './docker';
import { addressOf, type Place } from './place';

/** Ends the broker if `up` has started it. Its data stays for the next one; a broker of somebody else's is left alone. */
export async function down(place: Place, say: Say): Promise<void> {
  await withLock(`${place.directory}.lock`, async () => {
    const pids = Object.values(pidsIn(place.directory));
    if (readDocker(place)) {
      await dockerDown(place);
      say(`${place.name} at ${addressOf(place)} has ended; its containers are removed`);
    } else if (pids.length > 0) {
      await stopInstance(place.directory);
      say(`${place.name} at ${addressOf(place)} has ended (pid ${pids.join(', ')})`);
    } else {
      say(`${place.name}: nothing to end, none was started here for ${addressOf(place)}`);
    }
  });
}
