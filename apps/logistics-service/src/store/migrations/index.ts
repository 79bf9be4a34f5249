import { Shipments1790000001000 } from './1790000001000-shipments';

/** Of the domain's tables, oldest first. */
export const migrations = [Shipments1790000001000];
