export * from './migration';
export * from './transport';
