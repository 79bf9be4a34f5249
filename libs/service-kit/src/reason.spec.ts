import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '@order-events/testing';
import { reasonOf } from './reason';

test.each([
  [new Error('too little'), 'too little'],
  [new AggregateError([new Error('not here'), new Error('not there')]), 'not here; not there'],
  [new Error('', { cause: new AggregateError([new Error('not here')]) }), 'not here'],
  [new TypeError(), 'TypeError'],
  ['only text', 'only text'],
])('%s', (error, reason) => {
  expect(reasonOf(error)).toBe(reason);
});

test('a connection that is refused at each address of a host names them', async () => {
  const port = await freePort();
  const lookup = (
    _: string,
    __: object,
    found: (error: null, addresses: { address: string; family: number }[]) => void,
  ) =>
    found(
      null,
      ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })),
    );
  const [error] = (await once(connect({ host: 'somewhere', port, lookup: lookup }), 'error').catch(
    (reason: unknown) => [reason],
  )) as unknown[];
  expect((error as Error).message).toBe('');
  expect(reasonOf(error)).toBe(`connect ECONNREFUSED 127.0.0.1:${port}; connect ECONNREFUSED 127.0.0.2:${port}`);
});
