export { operatorApp, type OperatorOptions } from './app';
