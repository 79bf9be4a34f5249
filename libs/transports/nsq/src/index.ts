export * from './foreign';
export * from './transport';
