export * from './migrations';
export * from './transport';
