import { Shipments1790000001000 } from './1790000001000-shipments';
import { Recalling1790000001010 } from './1790000001010-recalling';

/** Of the domain's tables, oldest first. */
export const migrations = [Shipments1790000001000, Recalling1790000001010];
