import 'reflect-metadata';
import type { DynamicModule } from '@nestjs/common';
import type { Logger } from '../log';
import type { ServiceConfig } from '../service/event-service';
import { runProcess } from '../service/lifecycle';
import { startNest } from './start';

export interface NestService<C extends ServiceConfig> {
  config(): C;
  module(config: C, log: Logger): DynamicModule;
}

/** The whole of a Nest service's `main.ts`: reads the configuration, starts, and stops when the process is told to. */
export function runService<C extends ServiceConfig>(name: string, { config, module }: NestService<C>): void {
  runProcess(name, async (log) => {
    const settings = config();
    log.level = settings.LOG_LEVEL;
    return startNest(module(settings, log), log);
  });
}
