export * from './events.module';
export * from './run-service';
export * from './start';
export * from './strategy';
