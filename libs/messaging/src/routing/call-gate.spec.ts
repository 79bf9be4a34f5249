import { numbered } from '@order-events/testing';
import type { Message } from '../ports/transport';
import { CallGate } from './call-gate';

/** A gate before a handler whose calls end when they are told to. A call is named by its keys, a letter each. */
function handlerBehindGate(limits: { inFlight: number; parallel: number }) {
  const running = new Map<string, { end(): void; fail(error: Error): void }>();
  const gate = new CallGate({
    ...limits,
    handle: (batch) =>
      new Promise((end, fail) => void running.set(batch.map(({ key }) => key).join(''), { end, fail })),
  });
  const call = (keys: string) => gate.handle([...keys].map((key): Message => ({ ...numbered(0), key })));
  /** Resolves with the calls that run, once all that can have begun. */
  const begun = () => new Promise<string[]>((resolve) => setImmediate(() => resolve([...running.keys()])));
  const end = (keys: string) => {
    running.get(keys)!.end();
    running.delete(keys);
  };
  return { call, begun, end, running };
}

test('no key is in two calls; who waits for one lets others pass', async () => {
  const { call, begun, end } = handlerBehindGate({ inFlight: 100, parallel: 100 });
  const calls = ['ab', 'bc', 'cd', 'bx', 'e'].map(call);
  expect(await begun()).toEqual(['ab', 'cd', 'e']);
  end('ab');
  expect(await begun()).toEqual(['cd', 'e', 'bx']);
  end('cd');
  end('bx');
  expect(await begun()).toEqual(['e', 'bc']);
  end('bc');
  end('e');
  await Promise.all(calls);
});

test('there are never more calls than one subscription may have', async () => {
  const { call, begun, end } = handlerBehindGate({ inFlight: 100, parallel: 2 });
  const calls = ['a', 'b', 'c'].map(call);
  expect(await begun()).toEqual(['a', 'b']);
  end('b');
  expect(await begun()).toEqual(['a', 'c']);
  end('a');
  end('c');
  await Promise.all(calls);
});

test('there are never more messages in hand, and small batches do not keep a large one out', async () => {
  const { call, begun, end } = handlerBehindGate({ inFlight: 4, parallel: 100 });
  const calls = ['abc', 'de', 'f'].map(call);
  expect(await begun()).toEqual(['abc']);
  end('abc');
  expect(await begun()).toEqual(['de', 'f']);
  end('de');
  end('f');
  await Promise.all(calls);
});

test('a batch that alone is more than may be in hand goes alone', async () => {
  const { call, begun, end } = handlerBehindGate({ inFlight: 2, parallel: 100 });
  const calls = ['a', 'bcd'].map(call);
  expect(await begun()).toEqual(['a']);
  end('a');
  expect(await begun()).toEqual(['bcd']);
  end('bcd');
  await Promise.all(calls);
});

test('a call that fails makes room, too, and fails for who made it', async () => {
  const { call, begun, end, running } = handlerBehindGate({ inFlight: 1, parallel: 1 });
  const [first, second] = [call('a'), call('a')];
  await begun();
  running.get('a')!.fail(new Error('not now'));
  running.delete('a');
  await expect(first).rejects.toThrow('not now');
  expect(await begun()).toEqual(['a']);
  end('a');
  await second;
});
