import { SharedTables1790000000000 } from './1790000000000-shared-tables';
import { DeliveryAudit1790000000001 } from './1790000000001-delivery-audit';

/** What every service's own database begins with. */
export const sharedMigrations = [SharedTables1790000000000, DeliveryAudit1790000000001] as const;
