import type { Writable } from 'node:stream';
import { readable } from './readable';

const colours = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94, 91];

/** Writes lines behind the name of who says them; the names are aligned, and coloured on a terminal. */
export class Logs {
  private readonly names: string[] = [];

  constructor(
    private readonly out: Writable & { isTTY?: boolean },
    private readonly width: number,
  ) {}

  /** The writer for one name. */
  of(name: string): (line: string) => void {
    if (!this.names.includes(name)) this.names.push(name);
    const colour = colours[this.names.indexOf(name) % colours.length];
    const label = name.padEnd(this.width);
    const prefix = this.out.isTTY ? `\u001b[${colour}m${label}\u001b[0m` : label;
    return (line) => {
      for (const shown of readable(line)) this.out.write(`${prefix} | ${shown}\n`);
    };
  }
}
