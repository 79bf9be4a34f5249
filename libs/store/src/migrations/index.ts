import { SharedTables1790000000000 } from './1790000000000-shared-tables';
import { DeliveryAudit1790000000001 } from './1790000000001-delivery-audit';
import { OperatorsReads1790000000002 } from './1790000000002-operators-reads';
import { MoreActions1790000000003 } from './1790000000003-more-actions';
import { Retention1790000000004 } from './1790000000004-retention';
import { Schedule1790000000005 } from './1790000000005-schedule';
import { RefundAndReplay1790000000010 } from './1790000000010-refund-and-replay';
import { RaisePositions1790000000020 } from './1790000000020-raise-positions';
import { UncleanExits1790000000030 } from './1790000000030-unclean-exits';
import { Outside1790000000210 } from './1790000000210-outside';
import { EffectsByTurn1790000000230 } from './1790000000230-effects-by-turn';

/** What every service's own database begins with. */
export const sharedMigrations = [
  SharedTables1790000000000,
  DeliveryAudit1790000000001,
  OperatorsReads1790000000002,
  MoreActions1790000000003,
  Retention1790000000004,
  Schedule1790000000005,
  RefundAndReplay1790000000010,
  RaisePositions1790000000020,
  UncleanExits1790000000030,
  Outside1790000000210,
  EffectsByTurn1790000000230,
] as const;
