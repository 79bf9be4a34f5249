import { Inject, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Router } from 'express';
import type { EffectHandler, Tables } from '@order-events/messaging';
import { EventService, type EventServiceOptions } from '../service/event-service';

export interface EventsModuleOptions<T extends Tables> extends EventServiceOptions<T> {
  /** The calls to the outside that the service makes. */
  effects?: readonly EffectHandler<T>[];
  /** The operator's routes of its domain. */
  routes?(service: EventService<T>): Router;
}

const OPTIONS = Symbol('EventsModuleOptions');

/** Makes the service's `EventService`, for whoever injects it, and starts it with the application. */
@Module({})
export class EventsModule implements OnApplicationBootstrap {
  static forService<T extends Tables>(options: EventsModuleOptions<T>): DynamicModule {
    const service = { provide: EventService, useFactory: () => new EventService(options) };
    const providers = [{ provide: OPTIONS, useValue: options }, service];
    return { module: EventsModule, global: true, providers, exports: [EventService] };
  }

  constructor(
    @Inject(EventService) private readonly service: EventService,
    @Inject(OPTIONS) private readonly options: EventsModuleOptions<Tables>,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.service.start(this.options.effects ?? [], this.options.routes?.(this.service));
  }
}
