import { type Running, Supervised } from './supervised';

/** All processes of a system by name. The first one carries the others: it is started first and stopped last. */
export class Fleet {
  private readonly members = new Map<string, Supervised>();

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

  find(name: string): Supervised {
    const member = this.members.get(name);
    if (!member) throw new Error(`There is no process "${name}"; there are ${[...this.members.keys()].join(', ')}.`);
    return member;
  }

  async stop(): Promise<void> {
    const [first, ...others] = this.members.values();
    await Promise.all(others.map((member) => member.stop()));
    await first?.stop();
  }

  /** Ends all at once. */
  destroy(): void {
    for (const member of this.members.values()) member.destroy();
  }
}
