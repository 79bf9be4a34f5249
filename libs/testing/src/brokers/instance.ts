import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { end, isRunning, kill9, launch, type Running, whenReady } from './program';
import { BrokerUnavailable, type BrokerName, type Layout, type Part, type Say } from './recipe';
import { recipes } from './recipes';
import { makeSecurity, type Security } from './security';

export interface InstanceOptions {
  name: BrokerName;
  /** For everything that belongs to it. A broker that was there before comes back with its data. */
  directory: string;
  ports: Readonly<Record<string, number>>;
  /** At which clients find it, where those are not the ports that it listens on. */
  advertised?: Readonly<Record<string, number>>;
  brokers: number;
  /** TLS and a password. */
  secure: boolean;
  /** NATS without JetStream. */
  coreOnly?: boolean;
  say: Say;
}

/** What an instance writes down, for whoever has to end it or wants to look at it. */
export interface InstanceRecord {
  name: BrokerName;
  version: string;
  env: Readonly<Record<string, string>>;
  /** When it was started, ISO 8601. */
  since: string;
  parts: Readonly<Record<string, Running>>;
}

/** A broker of our own: its processes on this machine, all in one directory. */
export class BrokerInstance {
  private constructor(
    readonly name: BrokerName,
    readonly directory: string,
    readonly version: string,
    readonly security: Security | undefined,
    private readonly layout: Layout,
  ) {}

  /** Makes everything ready to start. Rejects with BrokerUnavailable when this machine cannot run it. */
  static async create(options: InstanceOptions): Promise<BrokerInstance> {
    const { name, directory, ports, brokers, secure, coreOnly, say } = options;
    const recipe = recipes[name];
    const reason = recipe.missing();
    if (reason !== undefined) throw new BrokerUnavailable(name, reason);
    const { programs, version } = await recipe.install(say).catch((error: Error) => {
      throw new BrokerUnavailable(name, error.message);
    });
    const security = secure ? makeSecurity(directory) : undefined;
    const port = (wanted: string) => {
      const found = ports[wanted];
      if (found === undefined) throw new Error(`${name} has no port "${wanted}"`);
      return found;
    };
    const advertised = (wanted: string) => options.advertised?.[wanted] ?? port(wanted);
    const layout = recipe.layout({ directory, programs, port, advertised, brokers, security, coreOnly });
    for (const [file, content] of Object.entries(layout.files)) {
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      writeFileSync(join(directory, file), content, { mode: 0o600 });
    }
    const prepared = join(directory, 'prepared');
    if (!existsSync(prepared)) {
      await layout.prepare?.();
      writeFileSync(prepared, '');
    }
    return new BrokerInstance(name, directory, version, security, layout);
  }

  get env(): Readonly<Record<string, string>> {
    return this.layout.env;
  }

  /** The parts that carry messages, and not only help those that do. */
  get servers(): readonly string[] {
    return this.layout.parts.flat().flatMap(({ name, helper }) => (helper ? [] : [name]));
  }

  /** Of the processes that are alive, by the name of the part. */
  get pids(): Readonly<Record<string, number>> {
    return pidsIn(this.directory);
  }

  /** Starts what is not alive, or only that part, and resolves when it does its work. */
  async start(only?: string): Promise<void> {
    for (const row of this.layout.parts) {
      const wanted = row.filter(({ name }) => only === undefined || name === only);
      const starting = await Promise.all(wanted.map(async (part) => ({ part, pid: await this.launched(part) })));
      await Promise.all(starting.map(({ part, pid }) => whenReady(part, pid, this.logFile(part))));
    }
  }

  /** kill -9 of the broker, or of that part only. */
  async kill(only?: string): Promise<void> {
    const wanted = only === undefined ? this.servers : [only];
    await Promise.all(
      runningIn(this.directory).flatMap(([name, running]) => (wanted.includes(name) ? [kill9(running)] : [])),
    );
  }

  /** Ends all processes in order; the data stays. */
  async stop(): Promise<void> {
    await stopInstance(this.directory);
  }

  /** Ends all processes without any order, and deletes the data. */
  async remove(): Promise<void> {
    await removeInstance(this.directory);
  }

  private async launched(part: Part): Promise<number> {
    const running = readInstance(this.directory)?.parts[part.name];
    if (running && isRunning(running)) return running.pid;
    const pid = await launch(part, this.directory, this.logFile(part));
    this.record(part, pid);
    return pid;
  }

  private record({ name, mark }: Part, pid: number): void {
    const parts = { ...readInstance(this.directory)?.parts, [name]: { pid, mark } };
    const { version, env } = this;
    const record: InstanceRecord = { name: this.name, version, env, since: new Date().toISOString(), parts };
    // Whoever reads it sees the old content or the new, never a part.
    writeFileSync(`${recordFile(this.directory)}.new`, JSON.stringify(record, null, 2), { mode: 0o600 });
    renameSync(`${recordFile(this.directory)}.new`, recordFile(this.directory));
  }

  private logFile({ name }: Part): string {
    return join(this.directory, `${name}.log`);
  }
}

const recordFile = (directory: string) => join(directory, 'instance.json');

/** What the instance in that directory has written down; undefined when none was started there. */
export function readInstance(directory: string): InstanceRecord | undefined {
  const file = recordFile(directory);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as InstanceRecord) : undefined;
}

/** Of the processes of the instance in that directory that are alive, by the name of the part. */
export const pidsIn = (directory: string): Readonly<Record<string, number>> =>
  Object.fromEntries(runningIn(directory).map(([name, { pid }]) => [name, pid]));

const runningIn = (directory: string) =>
  Object.entries(readInstance(directory)?.parts ?? {}).filter(([, running]) => isRunning(running));

/** Ends what still runs of the instance in that directory, in order, whoever started it. Its data stays. */
export async function stopInstance(directory: string): Promise<void> {
  // All at the same time: each of three Kafkas waits for the others to take over what it had.
  await Promise.all(Object.values(readInstance(directory)?.parts ?? {}).map(end));
}

/** Ends what still runs of the instance in that directory, without any order, and deletes the directory. */
export async function removeInstance(directory: string): Promise<void> {
  await Promise.all(Object.values(readInstance(directory)?.parts ?? {}).map(kill9));
  rmSync(directory, { recursive: true, force: true });
}
