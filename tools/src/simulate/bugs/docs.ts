import type { Parts } from '../parts';
import type { Bug } from './bug';

/** What a planted bug takes the place of. */
const broken: Record<keyof Parts, string> = {
  store: 'the statements of the store',
  transport: 'the transport',
  handlers: 'the decisions on events',
  effects: 'the calls to the outside and the decisions on their answers',
  pipeline: 'the pipeline',
  relay: 'the relay',
  audiences: 'who is audited for what',
  audit: 'the delivery audit',
  again: 'what an operator does after a restore',
  rules: 'what order-api decides on its own account',
};

/** `docs/planted-bugs.md`: every mistake that the simulator must notice. */
export function plantedBugsDocs(bugs: readonly Bug[]): string {
  const rows = bugs.map(({ name, parts, profile, within }) => {
    const what = (Object.keys(parts) as (keyof Parts)[]).map((part) => broken[part]).join('; ');
    return `| ${name} | ${what} | ${profile?.name ?? 'by seed'} | ${within} |`;
  });
  return [
    '# Planted bugs',
    '',
    'Generated from `tools/src/simulate/bugs` by `npm run docs`; a test keeps it up to date. Each is a mistake that one could make, put in the',
    'place of the part that is right. `tools/test/simulate-bugs.spec.ts` runs seeds from 1 on, and fails if none of the number that stands here',
    'ends with something that does not hold. `npm run simulate -- --bugs` says for each which seed notices it, and what does not hold then.',
    '',
    '| what is wrong | what takes the place of the right part | broker | noticed within seeds |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
