export * from './decision';
export * from './ports/runtime';
export * from './ports/store';
export * from './ports/transport';
