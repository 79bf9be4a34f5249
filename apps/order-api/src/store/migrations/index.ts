import { Orders1790000001000 } from './1790000001000-orders';

/** Of the domain's tables, oldest first. */
export const migrations = [Orders1790000001000];
