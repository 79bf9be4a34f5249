export { LEASE_MS } from './membership';
export * from './migrations';
export * from './transport';
