import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { breakingChanges, events, eventSchemas, topics, type JsonSchema } from './index';

const folder = join(__dirname, '../../../docs/events');
const published = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as JsonSchema;

describe('what is published', () => {
  test.each([...eventSchemas()])('%s is broken by nothing', (file, current) => {
    expect(breakingChanges(published(file), current)).toEqual([]);
  });

  // If it fails: npm run docs
  test.each([...eventSchemas()])('%s is what the code says', (file, current) => {
    expect(published(file)).toEqual(current);
  });

  test('stays published in every version, and nothing else is', () => {
    const older = topics.flatMap((topic) =>
      Array.from({ length: events[topic].version - 1 }, (_, n) => `${topic}.${n + 1}.json`),
    );
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
    expect(files.sort()).toEqual([...older, ...eventSchemas().keys()].sort());
    expect(existsSync(join(folder, 'README.md'))).toBe(true);
  });
});

describe('of a published schema', () => {
  const line = { type: 'object', properties: { quantity: { type: 'integer', minimum: 1 } }, required: ['quantity'] };
  const before = {
    $id: 'urn:order-events:a.b:1',
    type: 'object',
    properties: { order_id: { type: 'string' }, reason: { enum: ['a', 'b'] }, items: { type: 'array', items: line } },
    required: ['order_id', 'items'],
  };
  const changed = (properties: object, rest: object = {}) => ({
    ...before,
    ...rest,
    properties: { ...before.properties, ...properties },
  });

  test.each<[string, JsonSchema]>([
    ['a field that may be missing', changed({ note: { type: 'string' } })],
    ['another order of words', changed({ reason: { enum: ['b', 'a'] } }, { required: ['items', 'order_id'] })],
  ])('%s breaks nothing', (_, after) => {
    expect(breakingChanges(before, after)).toEqual([]);
  });

  test.each<[string, JsonSchema, string]>([
    ['a field that is needed', changed({ note: {} }, { required: ['order_id', 'items', 'note'] }), 'data'],
    ['a field that is needed no more', changed({}, { required: ['order_id'] }), 'data'],
    ['a field that is gone', changed({ reason: undefined }), 'data.reason'],
    ['another type', changed({ order_id: { type: 'integer' } }), 'data.order_id'],
    ['a limit', changed({ order_id: { type: 'string', maxLength: 3 } }), 'data.order_id'],
    ['a word that older readers do not know', changed({ reason: { enum: ['a', 'b', 'c'] } }), 'data.reason'],
    [
      'a change inside a list',
      changed({ items: { type: 'array', items: { ...line, properties: { quantity: { type: 'integer' } } } } }),
      'data.items[].quantity',
    ],
    ['a list of anything', changed({ items: { type: 'array' } }), 'data.items[]'],
    ['another version', { ...before, $id: 'urn:order-events:a.b:2' }, 'data'],
  ])('%s breaks it', (_, after, path) => {
    expect(breakingChanges(before, JSON.parse(JSON.stringify(after)) as JsonSchema)).toEqual([path]);
  });
});
