export * from './options';
export * from './services';
export * from './state';
export * from './system';
