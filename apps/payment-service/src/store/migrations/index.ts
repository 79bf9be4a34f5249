import { Payments1790000001000 } from './1790000001000-payments';
import { Reversals1790000002000 } from './1790000002000-reversals';

/** Of the domain's tables, oldest first. */
export const migrations = [Payments1790000001000, Reversals1790000002000];
