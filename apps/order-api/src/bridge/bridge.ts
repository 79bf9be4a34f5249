import type { Foreign, Subscription } from '@order-events/messaging';
import { openForeign, type EventService, type Logger } from '@order-events/service-kit';
import { BRIDGE, isReader } from '@order-events/store';
import type { OrderApiConfig } from '../config';
import type { OutboxAge } from '../door/outbox-age';
import { foreignTracer } from './foreign-tracer';
import { Intake } from './intake';
import { outlet } from './outlet';

export interface BridgeOptions {
  service: Pick<EventService, 'store' | 'transport' | 'metrics' | 'tracer' | 'every'>;
  outboxAge: Pick<OutboxAge, 'isOld'>;
  config: OrderApiConfig;
  log: Logger;
}

const SUBSCRIBE_MS = 1_000;
const RETRIES_MS = 500;
const LOOK_MS = 60_000;

/** By which brokers know who reads what comes in. */
export const groupOf = ({ TOPIC_PREFIX }: Pick<OrderApiConfig, 'TOPIC_PREFIX'>) => `${TOPIC_PREFIX}bridge`;

/** To and from programs of other teams that speak bare orders, as far as the settings name any. */
export class Bridge {
  private readonly leaving = new AbortController();
  private readonly opened: Foreign[] = [];
  private subscription: Promise<Subscription> | undefined;
  private relaying: Promise<void> | undefined;

  constructor(private readonly options: BridgeOptions) {}

  /** Nothing need be there yet: what is missing is asked for again and again. */
  start(): void {
    const { BRIDGE_IN, BRIDGE_OUT } = this.options.config;
    if (BRIDGE_IN !== undefined) this.takeIn(BRIDGE_IN);
    if (BRIDGE_OUT !== undefined) this.letOut(BRIDGE_OUT);
  }

  /** Stops fetching, lets what runs end and be acknowledged. */
  async stop(): Promise<void> {
    this.leaving.abort();
    // Why there is none was told when it failed.
    const subscription = await this.subscription?.catch(() => undefined);
    await subscription?.close();
    await this.relaying;
    await Promise.all(this.opened.map((foreign) => foreign.close()));
  }

  private takeIn(source: string): void {
    const { service, outboxAge, log } = this.options;
    const { store, transport, metrics } = service;
    const foreign = this.open(source);
    const { maxBytes: maxEventBytes } = transport.capabilities;
    const tracer = foreignTracer(service.tracer, source);
    const intake = new Intake({ store, outboxAge, source, maxEventBytes, metrics, log, tracer });
    service.every('bridge in', SUBSCRIBE_MS, () => this.subscribe(foreign, intake));
    service.every('bridge retries', RETRIES_MS, (signal) => intake.retryDue(signal));
  }

  private async subscribe(foreign: Foreign, intake: Intake): Promise<void> {
    const { signal } = this.leaving;
    if (signal.aborted || this.subscription) return;
    const { BATCH_SIZE: batch, BATCH_WAIT_MS: waitMs, IN_FLIGHT: inFlight, PARALLEL: parallel } = this.options.config;
    const pace = { batch, waitMs, inFlight, parallel };
    this.subscription = foreign.subscribe({
      ...pace,
      group: groupOf(this.options.config),
      handle: (messages) => intake.handle(messages, signal),
    });
    await this.subscription.catch((error: unknown) => {
      this.subscription = undefined;
      throw error;
    });
  }

  private letOut(address: string): void {
    const { service, log } = this.options;
    const { store, metrics } = service;
    const tracer = foreignTracer(service.tracer, address);
    const out = outlet({ store, foreign: this.open(address), metrics, log, tracer });
    this.relaying = out.run(this.leaving.signal);
    service.every('bridge out retries', RETRIES_MS, () => out.retryDue());
    service.every('bridge out', LOOK_MS, async () => {
      // Nothing would be published, and nobody would know why.
      if (!(await isReader(store.database, BRIDGE)))
        throw new Error('the bridge has no place in the outbox: run the setup of order-api with BRIDGE_OUT');
    });
  }

  private open(address: string): Foreign {
    const { config, service, log } = this.options;
    const onError = (error: Error) => {
      service.metrics.loopFailures.inc({ loop: 'bridge' });
      log.warn({ loop: 'bridge', err: error }, 'a background loop failed; it goes on after a pause');
    };
    const foreign = openForeign(config, address, { applicationName: 'order-events bridge', onError });
    this.opened.push(foreign);
    return foreign;
  }
}
