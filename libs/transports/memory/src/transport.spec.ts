import { transportConformance } from '@order-events/testing';
import { MemoryBroker } from './broker';
import { MemoryTransport } from './transport';

transportConformance('MemoryTransport', () => {
  const broker = new MemoryBroker();
  return Promise.resolve({
    connect: () => new MemoryTransport({ broker, onError: () => {} }),
    close: () => Promise.resolve(),
  });
});

test('refuses a topic that nobody declared', async () => {
  const transport = new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });
  const settlements = await transport.publish([{ topic: 'nobody', key: 'k', headers: {}, body: Buffer.from('{}') }]);
  expect(settlements).toEqual([expect.objectContaining({ stored: false, problem: 'refused' })]);
});
