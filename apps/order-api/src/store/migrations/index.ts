import { Orders1790000001000 } from './1790000001000-orders';
import { RecalledOrders1790000001010 } from './1790000001010-recalled-orders';
import { ForeignOrders1790000001020 } from './1790000001020-foreign-orders';

/** Of the domain's tables, oldest first. */
export const migrations = [Orders1790000001000, RecalledOrders1790000001010, ForeignOrders1790000001020];
