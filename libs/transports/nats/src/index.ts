export { KnownTopology } from './core/topology';
export { CoreNatsTransport } from './core/transport';
export * from './foreign';
export * from './transport';
