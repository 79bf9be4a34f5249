import type { Tracer } from '@order-events/messaging';
import { NotedTracer } from '@order-events/testing';
import { guarded } from './guarded';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('what works is as it was', () => {
  const noted = new NotedTracer();
  const span = guarded(noted, () => {}).start('one', { kind: 'internal', parent: PARENT });
  span.end({ attributes: { tries: 1 } });
  expect(noted.ended).toMatchObject([
    { name: 'one', parent: PARENT, traceparent: span.traceparent, attributes: { tries: 1 } },
  ]);
});

test('a tracer that throws disturbs nobody, is told of once, and the trace context stays as it was', () => {
  const told: string[] = [];
  const broken: Tracer = {
    start: (name) => {
      if (name === 'start') throw new Error('cannot start');
      return {
        traceparent: 'its own',
        end: () => {
          throw new Error('cannot end');
        },
      };
    },
  };
  const tracer = guarded(broken, ({ message }) => void told.push(message));
  const start = { kind: 'internal', parent: PARENT } as const;
  for (const name of ['start', 'end', 'start', 'end']) {
    const span = tracer.start(name, start);
    expect(span.traceparent).toBe(name === 'start' ? PARENT : 'its own');
    span.end();
  }
  expect(told).toEqual(['cannot start']);
});
