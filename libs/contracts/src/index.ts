export * from './cloud-event';
export * from './events';
export * from './order';
export * from './topology';
export * from './versions';
