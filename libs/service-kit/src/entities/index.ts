export * from './columns';
export * from './entity-store';
export * from './order-route';
