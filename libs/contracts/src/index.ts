export * from './audit';
export * from './cloud-event';
export * from './dead-letter';
export * from './declarations';
export * from './events';
export * from './order';
export * from './topology';
export * from './versions';
