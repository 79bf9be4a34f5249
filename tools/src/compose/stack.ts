import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { output } from './command';
import { type Compose, read } from './compose';
import type { Services } from './rules';

interface Container {
  name: string;
  /** On the machine; 0 while it does not run. */
  pid: number;
  health: string;
  exitCode: number;
  restarts: number;
}

/** What a container takes of the machine. */
export interface Usage {
  processors: number;
  mebibytes: number;
}

const inMebibytes: Readonly<Record<string, number>> = { KiB: 1 / 1024, MiB: 1, GiB: 1024 };

const healthMs = 300_000;

/** The containers of our compose file, on one transport. */
export class Stack {
  private constructor(
    private readonly compose: Compose,
    private readonly env: NodeJS.ProcessEnv,
    private readonly described: Services,
  ) {}

  /** Under a name of its own, so that volumes of a system that somebody uses are not touched. */
  static async of(transport: string, compose: Compose, engineEnv: NodeJS.ProcessEnv): Promise<Stack> {
    const env = { ...engineEnv, TRANSPORT: transport, COMPOSE_PROJECT_NAME: `order-events-trial-${transport}` };
    return new Stack(compose, env, await read(compose, env));
  }

  /** All but the one that ends. */
  get services(): string[] {
    return Object.keys(this.described).filter((name) => name !== 'setup');
  }

  /** Those that are built from this repository, by the name of the image. */
  get apps(): ReadonlyMap<string, string> {
    return new Map(
      Object.values(this.described).flatMap(({ image, build }) => (build ? [[image, build.args.APP] as const] : [])),
    );
  }

  get foreignImages(): string[] {
    return [...new Set(Object.values(this.described).flatMap(({ image, build }) => (build ? [] : [image])))];
  }

  /** Of the port of this machine that leads to that one in the container. */
  url(service: string, target: number): string {
    const port = this.described[service]?.ports?.find((published) => published.target === target);
    if (!port) throw new Error(`${service} does not publish its port ${target}.`);
    return `http://127.0.0.1:${port.published}`;
  }

  /** Of Postgres, as its superuser. */
  get databaseServer(): string {
    const { POSTGRES_PASSWORD } = this.described.postgres!.environment!;
    const { host } = new URL(this.url('postgres', 5432));
    return `postgres://postgres:${POSTGRES_PASSWORD}@${host}`;
  }

  /** @returns seconds until all were healthy */
  async up(): Promise<number> {
    const started = performance.now();
    await this.run('up', '--detach', '--no-build', '--wait', '--wait-timeout', String(healthMs / 1_000));
    return (performance.now() - started) / 1_000;
  }

  /** Ends the containers in order and keeps them. @returns seconds */
  async stop(): Promise<number> {
    const started = performance.now();
    await this.run('stop');
    return (performance.now() - started) / 1_000;
  }

  /** Removes the containers, and with `--volumes` their data. */
  down(...words: string[]): Promise<string> {
    return this.run('down', ...words);
  }

  /** The ends of all logs. */
  logs(): Promise<string> {
    return this.run('logs', '--no-color', '--tail', '30');
  }

  async container(service: string): Promise<Container> {
    const id = await this.run('ps', '--all', '--quiet', service);
    const format =
      '{{slice .Name 1}} {{.State.Pid}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.RestartCount}}';
    const [name = '', pid, health = '', exitCode, restarts] = (
      await this.docker('inspect', '--format', format, id)
    ).split(' ');
    return { name, pid: Number(pid), health, exitCode: Number(exitCode), restarts: Number(restarts) };
  }

  /** kill -9 of what runs in the container, from outside, as the kernel would. @returns seconds until it is healthy again */
  async kill9(service: string): Promise<number> {
    const { pid, restarts } = await this.container(service);
    // An engine on another machine, or in a virtual one, has process ids of its own.
    const id = await this.run('ps', '--all', '--quiet', service);
    if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id))
      throw new Error(`The processes of ${service} are not on this machine.`);
    const killed = performance.now();
    process.kill(pid, 'SIGKILL');
    for (;;) {
      const now = await this.container(service);
      if (now.restarts > restarts && now.health === 'healthy') return (performance.now() - killed) / 1_000;
      if (performance.now() - killed > healthMs) throw new Error(`${service} did not come back; it is ${now.health}.`);
      await sleep(200);
    }
  }

  /** What each service takes, as seen for about two seconds. */
  async usage(): Promise<ReadonlyMap<string, Usage>> {
    const containers = await Promise.all(
      this.services.map(async (service) => [(await this.container(service)).name, service] as const),
    );
    const names = new Map(containers);
    const format = '{{.Name}} {{.CPUPerc}} {{.MemUsage}}';
    const lines = await this.docker('stats', '--no-stream', '--format', format, ...names.keys());
    return new Map(
      lines.split('\n').map((line) => {
        const [, name = '', percent, amount, unit = ''] = /^(\S+) ([\d.]+)% ([\d.]+)(\w+) /.exec(line) ?? [];
        const [service, size] = [names.get(name), inMebibytes[unit]];
        if (service === undefined || size === undefined) throw new Error(`Docker says of a container: ${line}`);
        return [service, { processors: Number(percent) / 100, mebibytes: Number(amount) * size }];
      }),
    );
  }

  /** Megabytes. */
  async imageSize(image: string): Promise<number> {
    return Math.round(Number(await this.docker('image', 'inspect', '--format', '{{.Size}}', image)) / 1e6);
  }

  private run(...words: string[]): Promise<string> {
    const [command, ...first] = this.compose;
    return output(command, [...first, ...words], this.env);
  }

  private docker(...words: string[]): Promise<string> {
    return output('docker', words, this.env);
  }
}
