import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cached, isCached, versionOf, work } from './cache';
import type { BrokerName, Say } from './recipe';

/** A module of Go programs, one for each broker that has a bridge, as other teams would write them by the tutorials of their clients. */
const source = join(__dirname, '..', '..', 'foreign');

/** Changes with anything in the module. */
const folder = () => {
  const hash = createHash('sha256');
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(go|mod|sum)$/.test(file)) hash.update(file).update(readFileSync(join(source, file)));
  return `foreign-${hash.digest('hex').slice(0, 16)}`;
};

/** What this machine lacks to have them; undefined when it can be tried. */
export function foreignProgramsMissing(): string | undefined {
  if (isCached(folder()) || versionOf('go', 'version') !== undefined) return undefined;
  return 'no Go was found, with which programs of other teams are compiled (no go on PATH). Install Go.';
}

function install(say: Say): Promise<string> {
  return cached(folder(), (directory) => {
    const args = ['build', '-o', `${directory}/`, './...'];
    return work({ title: 'Compiling programs of other teams', command: 'go', args, cwd: source }, say);
  });
}

/** What a program of another team does at one place of a broker, in the broker's own words. */
export class ForeignProgram {
  private readonly readers: ChildProcess[] = [];

  private constructor(
    private readonly program: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @param env by which it finds the broker */
  static async at(broker: BrokerName, env: Readonly<Record<string, string>>, place: string): Promise<ForeignProgram> {
    const programs = await install((line) => void process.stderr.write(`${line}\n`));
    return new ForeignProgram(join(programs, broker), { ...process.env, ...env, PLACE: place });
  }

  /** Publishes the bodies. Resolves when the program has ended well. */
  async write(bodies: readonly (string | Uint8Array)[]): Promise<void> {
    const child = spawn(this.program, ['write'], { env: this.env, stdio: ['pipe', 'ignore', 'pipe'] });
    const said: Buffer[] = [];
    child.stderr.on('data', (data: Buffer) => said.push(data));
    child.stdin.end(bodies.map((body) => `${Buffer.from(body).toString('base64')}\n`).join(''));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the writer ended with ${code}: ${Buffer.concat(said).toString()}`);
  }

  /** Reads, and adds each body to the list that it returns. */
  read(): Buffer[] {
    const bodies: Buffer[] = [];
    const child = spawn(this.program, ['read'], { env: this.env, stdio: ['ignore', 'pipe', 'ignore'] });
    this.readers.push(child);
    createInterface(child.stdout).on('line', (line) => bodies.push(Buffer.from(line, 'base64')));
    return bodies;
  }

  /** Ends the readers. */
  async end(): Promise<void> {
    await Promise.all(
      this.readers.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'close');
      }),
    );
  }
}
