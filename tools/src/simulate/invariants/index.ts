import { audit } from './audit';
import { events } from './events';
import { goods } from './goods';
import type { Invariant, Sight } from './invariant';
import { mails } from './mails';
import { money } from './money';
import { orders } from './orders';
import { rows } from './rows';

export { Calls } from './calls';
export type { Invariant, Sight } from './invariant';

export function invariantsOf(sight: Sight): Invariant[] {
  return [rows, events, orders, goods, money, mails, audit].map((invariant) => invariant(sight));
}
