import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startPostgres } from '@order-events/testing';
import { type Broker, bringUpBrokers, noBroker } from './broker';
import { startChild } from './child';
import { atPort, type DatabaseUrls, makeDatabases, rolesOf } from './databases';
import { operatorTokenFrom, reachable, serviceEnv, setupEnv } from './environment';
import { Fleet } from './fleet';
import { checkOptions, type SystemOptions } from './options';
import { checkPorts, defaultPostgresPort } from './ports';
import { isOk, untilReady } from './readiness';
import { readSecrets } from './secrets';
import { type Instance, instancesOf, type PortVariable, programs as ourPrograms } from './services';
import { clearLeftovers, postgresDirectory, processRecord, stateFile, writeState } from './state';

/** Postgres, the sandbox and the services as processes of this machine, each kept alive. */
export class System {
  /** All processes but Postgres. */
  readonly instances: readonly Instance[];
  readonly host: string;
  private readonly dataDirectory: string;
  private readonly postgresPort: number;
  private readonly setupProgram: string;
  private readonly say: (line: string) => void;
  private readonly stopping = new AbortController();
  private readonly fleet: Fleet;
  private databases: Record<string, DatabaseUrls> = {};
  /** Where the services find Postgres. */
  private servicesPort: number;
  private broker: Broker = noBroker;
  /** For the operator routes of all services. */
  operatorToken = '';
  private recorded = false;

  constructor(private readonly options: SystemOptions) {
    const { portOffset = 0, replicas = 1, programs = ourPrograms } = options;
    checkOptions({ replicas, portOffset });
    this.setupProgram = programs.setup;
    this.instances = instancesOf(programs.services, replicas, portOffset);
    this.host = reachable(options.host ?? '127.0.0.1');
    this.dataDirectory = resolve(options.dataDirectory);
    this.postgresPort = this.servicesPort = defaultPostgresPort + portOffset;
    this.say = options.log('start');
    this.fleet = new Fleet(this.say, () => this.record());
  }

  /** Of the customers' HTTP interface, one a replica. */
  get apiUrls(): string[] {
    return this.urls('order-api', 'PORT');
  }

  /** Of the operators' HTTP interface, one a process. */
  get operatorUrls(): string[] {
    return [...new Set(this.instances.map(({ service }) => service.name))].flatMap((name) =>
      this.urls(name, 'OPERATOR_PORT'),
    );
  }

  /** Of the sandbox's HTTP interface. */
  get sandboxUrl(): string {
    return this.urls('sandbox', 'PORT')[0] ?? '';
  }

  /** By database; with the rights of the service. */
  get databaseUrls(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.databases).map(([name, { login }]) => [name, login]));
  }

  /** What a program finds in its environment that publishes to the services' broker. Of a disturbed network it is behind that to a broker, and past that to Postgres. */
  get transportEnv(): NodeJS.ProcessEnv {
    return {
      TRANSPORT: 'postgres',
      EVENTS_DATABASE_URL: this.databases.events?.login,
      ...process.env,
      ...this.broker.env,
    };
  }

  /** Starts everything and resolves when all are ready. When that fails, everything is stopped before it rejects. */
  async start(): Promise<void> {
    const { signal } = this.stopping;
    try {
      mkdirSync(this.dataDirectory, { recursive: true });
      await clearLeftovers(this.dataDirectory, this.say);
      await checkPorts(this.instances, this.postgresPort);
      await this.startDatabases();
      signal.throwIfAborted();
      await this.setUp();
      signal.throwIfAborted();
      await this.startServices();
      await this.ready();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Runs the setups of all services with our environment as it is now; a service that ends from now on is started again with
   * it, too. That is what it takes to deploy new settings to a running system.
   */
  async setUp(): Promise<void> {
    this.say('setting up the databases …');
    const env = setupEnv(this.databases, this.broker);
    const setup = await startChild({ file: this.setupProgram, env, log: this.options.log('setup') });
    const stop = () => void setup.stop();
    this.stopping.signal.addEventListener('abort', stop, { once: true });
    const how = await setup.exited;
    this.stopping.signal.removeEventListener('abort', stop);
    if (how !== 'ended with exit code 0') throw new Error(`The setup ${how}.`);
  }

  /** Resolves when every process says that it is ready. */
  async ready(): Promise<void> {
    await Promise.all(
      this.instances.map(({ name }) => {
        return untilReady(name, this.readyUrl(name), this.fleet.find(name), this.stopping.signal);
      }),
    );
  }

  /** Whether that instance says that it is ready. */
  isReady(name: string): Promise<boolean> {
    return isOk(this.readyUrl(name));
  }

  /** Of all processes that are kept alive: the instances, `postgres`, and a broker's that was started here. */
  get processes(): readonly string[] {
    return this.fleet.names;
  }

  /** Of one of the processes (`inventory-2`, `postgres`, `kafka-1`); undefined while it is being started again. */
  pid(name: string): number | undefined {
    return this.fleet.find(name).pid;
  }

  /** Sends a signal to one of the processes. Whatever ends by it is started again. */
  kill(name: string, signal: NodeJS.Signals): void {
    this.fleet.find(name).kill(signal);
  }

  /** Ends everything in order: services first, Postgres last. No process is left. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.fleet.stop();
    await this.broker.end();
    this.broker = noBroker;
    this.forget();
  }

  /** Ends everything at once. */
  destroy(): void {
    this.stopping.abort();
    this.fleet.destroy();
    this.forget();
  }

  /** And the brokers, if there are to be any: what is on them belongs to the data. */
  private async startDatabases(): Promise<void> {
    const directory = this.options.postgresDirectory ?? postgresDirectory(this.dataDirectory);
    const secretsFile = join(this.dataDirectory, 'secrets.json');
    if (this.options.fresh) for (const path of [directory, secretsFile]) rmSync(path, { recursive: true, force: true });

    const names = [...new Set(this.instances.map(({ service }) => service.database)), 'events'];
    const roles = names.flatMap((name) => Object.values(rolesOf(name)));
    const secrets = readSecrets(secretsFile, ['postgres', 'operator', 'topics', ...roles]);
    this.operatorToken = operatorTokenFrom(secrets);
    this.say('starting Postgres …');
    const log = this.options.log('postgres');
    let url = '';
    await this.fleet.startCarrier('postgres', async () => {
      const server = await startPostgres({ directory, port: this.postgresPort, password: secrets.postgres, log });
      url = server.url;
      return { ...server, exited: server.exited.then(() => 'ended') };
    });
    this.databases = await makeDatabases(url, names, secrets);
    this.servicesPort = (await this.options.network?.('Postgres', this.postgresPort)) ?? this.postgresPort;
    const prefix = `oe-${secrets.topics!.slice(0, 8)}.`;
    const { portOffset = 0, network } = this.options;
    const own = network && { directory: join(this.dataDirectory, 'brokers'), network };
    this.broker = await bringUpBrokers({ portOffset, prefix, own, say: this.say });
    for (const [name, launch] of Object.entries(this.broker.processes)) await this.fleet.startCarrier(name, launch);
  }

  private async startServices(): Promise<void> {
    this.say('starting the services …');
    await Promise.all(
      this.instances.map((instance) => {
        const { name, service } = instance;
        const log = this.options.log(name);
        return this.fleet.start(name, () => startChild({ file: service.main, env: this.env(instance), log }));
      }),
    );
  }

  private env(instance: Instance): NodeJS.ProcessEnv {
    const sandboxPorts = this.instances.find(({ name }) => name === 'sandbox')?.ports ?? {};
    const { broker, operatorToken } = this;
    const databases = atPort(this.databases, this.servicesPort);
    const host = this.options.host ?? '127.0.0.1';
    return serviceEnv(instance, { host, databases, broker, sandboxPorts, operatorToken });
  }

  private readyUrl(name: string): string {
    const { service, ports } = this.instances.find((instance) => instance.name === name)!;
    return `http://${this.host}:${ports[service.ready]}/readyz`;
  }

  private urls(service: string, variable: PortVariable): string[] {
    return this.instances
      .filter((instance) => instance.service.name === service && instance.ports[variable] !== undefined)
      .map(({ ports }) => `http://${this.host}:${ports[variable]}`);
  }

  /** Keeps system.json true. */
  private record(): void {
    if (this.stopping.signal.aborted) return;
    const { pids } = this.fleet;
    writeState(this.dataDirectory, {
      supervisor: processRecord(process.pid),
      postgres: { pid: pids.get('postgres'), port: this.postgresPort },
      instances: this.instances.flatMap(({ name, service, ports }) => {
        const pid = pids.get(name);
        return pid === undefined ? [] : [{ name, service: service.name, ports, ...processRecord(pid) }];
      }),
      database_urls: this.databaseUrls,
      api_urls: this.apiUrls,
      sandbox_url: this.sandboxUrl,
      operator_token: this.operatorToken,
    });
    this.recorded = true;
  }

  /** What is not ours, because another system runs here and we did not start, stays. */
  private forget(): void {
    if (this.recorded) rmSync(stateFile(this.dataDirectory), { force: true });
  }
}
