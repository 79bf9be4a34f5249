export { operatorApp, type OperatorOptions } from './app';
export { byHand, Text } from './input';
