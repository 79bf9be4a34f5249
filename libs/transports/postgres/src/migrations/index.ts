import { EventsLog1790000000000 } from './1790000000000-events-log';
import { DeclaredTopics1790000000001 } from './1790000000001-declared-topics';
import { Retention1790000000002 } from './1790000000002-retention';
import { RaisePositions1790000000020 } from './1790000000020-raise-positions';

/** Of the database `events`. */
export const eventsMigrations = [
  EventsLog1790000000000,
  DeclaredTopics1790000000001,
  Retention1790000000002,
  RaisePositions1790000000020,
];
