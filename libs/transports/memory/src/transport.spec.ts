import { transportConformance } from '@order-events/testing';
import { MemoryBroker } from './broker';
import { MemoryTransport } from './transport';

transportConformance('MemoryTransport', () => {
  const broker = new MemoryBroker();
  return Promise.resolve({
    connect: () => new MemoryTransport({ broker, onError: () => {} }),
    put: (topic, body) => Promise.resolve(broker.publish([{ topic, key: '', headers: {}, body }])),
    close: () => Promise.resolve(),
  });
});
