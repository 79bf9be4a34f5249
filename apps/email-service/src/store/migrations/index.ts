import { Mails1790000001000 } from './1790000001000-mails';

/** Of the domain's tables, oldest first. */
export const migrations = [Mails1790000001000];
