export { MemoryBroker } from './broker';
export * from './transport';
