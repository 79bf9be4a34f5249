import { Payments1790000001000 } from './1790000001000-payments';

/** Of the domain's tables, oldest first. */
export const migrations = [Payments1790000001000];
