export { operatorApp, type OperatorOptions } from './app';
export { Order as ByHand } from './input';
