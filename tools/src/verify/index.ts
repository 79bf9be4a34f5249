export { databasesAt, openDatabases } from './databases';
export { stockTotals } from './stock';
export * from './verify';
