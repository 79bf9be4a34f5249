import { z } from 'zod';
import { settings, type Setting } from './settings';

/** `docs/config.md`: every setting with its type, default and meaning. */
export function configDocs(): string {
  const rows = Object.entries<Setting>(settings).map(([name, { schema, description, secret }]) => {
    const fallback = schema.safeParse(undefined);
    const standard = fallback.success && fallback.data !== undefined ? `\`${JSON.stringify(fallback.data)}\`` : '';
    return `| \`${name}\` | ${typeOf(schema)} | ${standard} | ${description}${secret ? ' **Secret.**' : ''} |`;
  });
  return [
    '# Configuration',
    '',
    'Generated from `libs/service-kit/src/config/settings.ts`; a test keeps it up to date. A service reads the settings it',
    'needs when it starts, reports everything that is wrong with them at once, and ends with exit code 2.',
    '',
    '| variable | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Ports have a default in each service: order-api 3000 (operator 3001), inventory 3011, payment 3021, logistics 3031,',
    'email 3041, sandbox 3900 (SMTP 1025).',
    '',
  ].join('\n');
}

function typeOf(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  if (json.enum) return json.enum.map((value) => `\`${String(value)}\``).join(' ');
  const range = json.minimum !== undefined ? ` ${json.minimum}–${json.maximum}` : '';
  return `${String(json.type ?? 'string')}${range}`;
}
