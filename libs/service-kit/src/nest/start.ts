import { Catch, type DynamicModule, type ExceptionFilter, type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type { Logger } from '../log';
import { EventService } from '../service/event-service';
import { EventsStrategy } from './strategy';

/** Nest's own filter replaces what a handler threw by a general message; the pipeline must see the original. */
@Catch()
class OriginalErrorFilter implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Starts a Nest microservice whose events come through `EventsModule`. Resolves with how to stop it. */
export async function startNest(module: Type | DynamicModule, log: Logger): Promise<() => Promise<void>> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
    inject: [EventService],
    useFactory: (service: EventService) => ({ strategy: new EventsStrategy(service) }),
    logger: nestLogger(log),
    abortOnError: false,
  });
  app.useGlobalFilters(new OriginalErrorFilter());
  await app.listen();
  log.info('ready');
  return () => app.close();
}

/** Nest tells at length how it builds itself; that is for debugging. */
function nestLogger(log: Logger): LoggerService {
  const write = (level: 'debug' | 'warn' | 'error') => (message: unknown, context?: unknown) => {
    log[level]({ context }, String(message));
  };
  return {
    log: write('debug'),
    verbose: write('debug'),
    debug: write('debug'),
    warn: write('warn'),
    error: write('error'),
  };
}
