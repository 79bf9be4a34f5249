import { Ledger1790000000000 } from './1790000000000-ledger';
import { NothingIsDeleted1790000001000 } from './1790000001000-nothing-is-deleted';
import { Reversals1790000002000 } from './1790000002000-reversals';
import { Recalls1790000003000 } from './1790000003000-recalls';

/** Of the ledger's tables, oldest first. */
export const migrations = [
  Ledger1790000000000,
  NothingIsDeleted1790000001000,
  Reversals1790000002000,
  Recalls1790000003000,
];
