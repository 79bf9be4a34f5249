import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { breakingChanges, eventSchemas, type JsonSchema } from '@order-events/contracts';
import { configDocs, metricsDocs } from '@order-events/service-kit';
import { bugs, plantedBugsDocs } from '../simulate/bugs';

const docs = join(__dirname, '../../../docs');

writeFileSync(join(docs, 'config.md'), configDocs());
writeFileSync(join(docs, 'planted-bugs.md'), plantedBugsDocs(bugs));
writeFileSync(join(docs, 'metrics.md'), metricsDocs());
for (const [name, schema] of eventSchemas()) {
  const file = join(docs, 'events', name);
  const published = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JsonSchema) : schema;
  const broken = breakingChanges(published, schema);
  if (broken.length === 0) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
  else {
    process.exitCode = 1;
    console.error(`${name} would break its readers at ${broken.join(', ')}: make it a new version with an upcaster.`);
  }
}
