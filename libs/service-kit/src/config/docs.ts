import { z } from 'zod';
import { settings, type Setting } from './settings';

const toolVariables = [
  [
    'PORT_OFFSET',
    '`npm start`, `chaos`, `brokers`',
    '`0`',
    'Is added to every port, so that several systems run side by side.',
  ],
  [
    'DATA_DIR',
    '`npm start`, `chaos`, `verify`, `oe`',
    '`.data`',
    'The folder of the data, logs and secrets of the system that `npm start` runs; the others find it there.',
  ],
  [
    'OE_SERVICES',
    '`npm run oe`',
    'what runs from `DATA_DIR`',
    'Where the operator routes are: `inventory=http://host:3011`, several with commas between. `oe` reads `OPERATOR_TOKEN`, too.',
  ],
  ['BROKER_FAULTS', '`npm test`', '', 'With any value the longest faults of brokers are tested, too.'],
  [
    'CI',
    '`npm test`',
    '',
    'With any value a test fails when the broker or tool that it needs cannot be had; without it is skipped, by name.',
  ],
] as const;

/** `docs/config.md`: every setting with its type, default and meaning. */
export function configDocs(): string {
  const rows = Object.entries<Setting>(settings).map(([name, { schema, description, secret }]) => {
    const fallback = schema.safeParse(undefined);
    const standard = fallback.success && (fallback.data ?? '') !== '' ? `\`${String(fallback.data)}\`` : '';
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
    '## Variables of the tools',
    '',
    'No service reads these.',
    '',
    '| variable | read by | default | meaning |',
    '| --- | --- | --- | --- |',
    ...toolVariables.map(([name, by, standard, meaning]) => `| \`${name}\` | ${by} | ${standard} | ${meaning} |`),
    '',
  ].join('\n');
}

function typeOf(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  if (json.enum) return json.enum.map((value) => `\`${String(value)}\``).join(' ');
  const range = json.minimum !== undefined ? ` ${json.minimum}–${json.maximum}` : '';
  const least = json.minLength !== undefined ? `, ${json.minLength} or more characters` : '';
  return `${String(json.type ?? 'string')}${range}${least}`;
}
