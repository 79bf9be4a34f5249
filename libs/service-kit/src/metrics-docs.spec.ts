import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsDocs } from './metrics-docs';

// If it fails: npm run docs
test('docs/metrics.md is what the metrics make', () => {
  const file = join(__dirname, '../../../docs/metrics.md');
  expect(readFileSync(file, 'utf8')).toBe(metricsDocs());
});
