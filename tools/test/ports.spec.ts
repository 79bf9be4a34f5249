import { brokerNames, freePorts } from '@order-events/testing';
import { placeOf } from '../src/brokers/place';
import { claimPorts, portOffsets, systemPorts } from './test-system';

/** What the system hands out to outgoing connections begins here on Linux; other systems begin higher. */
const FIRST_OUTGOING = 32_768;
/** Of those that could be met here, https://fetch.spec.whatwg.org/#port-blocking. */
const REFUSED_BY_FETCH = [4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080];

const portsAt = (portOffset: number) => [
  ...systemPorts(portOffset),
  ...brokerNames.flatMap((name) => Object.values(placeOf(name, { PORT_OFFSET: String(portOffset) }).ports)),
];
const used = [0, ...portOffsets].flatMap(portsAt);
const given = { first: freePorts.first, end: freePorts.first + freePorts.workers * freePorts.each };

test('no port is put to two uses, by the system at its usual ports and at all offsets of tests', () => {
  const twice = used.filter((port, index) => used.indexOf(port) !== index);
  expect(twice).toEqual([]);
});

test('no port is one that fetch refuses', () => {
  expect(used.filter((port) => REFUSED_BY_FETCH.includes(port))).toEqual([]);
});

test('what tests listen on is apart from what freePort gives, and both from outgoing connections', () => {
  expect(Math.max(...used)).toBeLessThan(given.first);
  expect(given.end).toBeLessThanOrEqual(claimPorts);
  expect(claimPorts + portOffsets.length).toBeLessThanOrEqual(FIRST_OUTGOING);
});
