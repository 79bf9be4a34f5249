import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceNetwork } from '../api-server';
import { kill, withParent } from '../process';
import { nodeAddress } from './parts';

const script = join(__dirname, '..', '..', '..', 'k8s-node', 'node.sh');
const controlGroups = '/sys/fs/cgroup';

/** Namespaces in which a kubelet can do as it likes: mounts, processes and a host name of their own. */
export class Enclosure {
  private constructor(
    private readonly process: ChildProcess,
    private readonly pid: number,
  ) {}

  /** @param cgroup a name for the control group of all that runs in pods; see `removeControlGroup` */
  static async open(directory: string, cgroup: string): Promise<Enclosure> {
    const namespaces = ['--mount', '--propagation', 'private', '--pid', '--ipc', '--uts', '--fork', '--kill-child'];
    const words = ['unshare', ...namespaces, 'bash', script, directory, cgroup, nodeAddress, serviceNetwork];
    const [command, ...args] = [...withParent, ...words];
    const process = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaints = '';
    process.stderr.on('data', (chunk: Buffer) => (complaints += String(chunk)));
    // Its first line is its process id; without one it has ended.
    const pid = await Promise.race([
      once(createInterface(process.stdout), 'line').then(([line]) => Number(line)),
      once(process, 'exit').then(() => undefined),
    ]);
    if (pid === undefined) throw new Error(`The namespaces of the node cannot be made: ${complaints.trim()}`);
    return new Enclosure(process, pid);
  }

  /** The words that run a program in here, which ends with whoever started it. */
  words(...words: string[]): string[] {
    return ['nsenter', `--target=${this.pid}`, '--mount', '--pid', '--ipc', '--uts', ...withParent, ...words];
  }

  /** Ends everything in here. */
  async close(): Promise<void> {
    await kill(this.process);
    // Every process of the namespaces is killed with the first one, and gone soon after.
    while (existsSync(`/proc/${this.pid}`)) await sleep(20);
  }
}

/** Removes what the control group of an enclosure leaves on the machine, also of one that could not be closed. */
export async function removeControlGroup(name: string): Promise<void> {
  for (const group of readdirSync(controlGroups).map((controller) => join(controlGroups, controller, name)))
    while (existsSync(group)) {
      try {
        removeGroups(group);
      } catch (error) {
        // The last processes in it have been killed, and are about to go.
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
        await sleep(20);
      }
    }
}

/** Its files are the kernel's and go with it. */
function removeGroups(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(group, entry.name));
  rmdirSync(group);
}
