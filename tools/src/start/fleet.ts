import { type Running, Supervised } from './supervised';

/** All processes of a system by name. */
export class Fleet {
  private readonly members = new Map<string, Supervised>();
  /** Those that carry the others, in the order in which they were started. */
  private readonly carriers: Supervised[] = [];

  constructor(
    private readonly say: (line: string) => void,
    /** Called when a pid has changed. */
    private readonly changed: () => void,
  ) {}

  /** Of the processes that are up. */
  get pids(): ReadonlyMap<string, number> {
    return new Map([...this.members].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid] as const])));
  }

  /** Starts a process and keeps it alive from then on. Rejects when it cannot be started at all. */
  start(name: string, launch: () => Promise<Running>): Promise<void> {
    const member = new Supervised(launch, (line) => this.say(`${name}: ${line}`), this.changed);
    this.members.set(name, member);
    return member.start();
  }

  /** The same for a process that all others need: those that are started later are stopped before it. */
  startCarrier(name: string, launch: () => Promise<Running>): Promise<void> {
    const started = this.start(name, launch);
    this.carriers.push(this.find(name));
    return started;
  }

  get names(): string[] {
    return [...this.members.keys()];
  }

  find(name: string): Supervised {
    const member = this.members.get(name);
    if (!member) throw new Error(`There is no process "${name}"; there are ${this.names.join(', ')}.`);
    return member;
  }

  async stop(): Promise<void> {
    const carried = [...this.members.values()].filter((member) => !this.carriers.includes(member));
    await Promise.all(carried.map((member) => member.stop()));
    for (const carrier of this.carriers.toReversed()) await carrier.stop();
  }

  /** Ends all at once. */
  destroy(): void {
    for (const member of this.members.values()) member.destroy();
  }
}
