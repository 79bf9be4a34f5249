export * from './columns';
export * from './entity-store';
