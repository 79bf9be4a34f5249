export * from './migrate';
export { createLogTable, createPartitionFunction } from './migrations/log-table';
export { SharedTables1790000000000 } from './migrations/1790000000000-shared-tables';
export * from './postgres/database';
export * from './postgres/log-cursors';
export { logSql } from './postgres/log-sql';
export * from './postgres/store';
export * from './postgres/wake';
