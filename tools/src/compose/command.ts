import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Runs a program to its end and resolves with what it printed. Rejects with the end of its complaints. */
export async function output(command: string, args: readonly string[], env = process.env): Promise<string> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [code, printed, complaints] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code === 0) return printed.trim();
  const end = `${printed}${complaints}`.trimEnd().split('\n').slice(-20).join('\n');
  throw new Error(`${command} ${args.join(' ')} ended with exit code ${code}:\n${end}`);
}

/** Whether the program is there and does that without complaint. */
export const succeeds = (command: string, args: readonly string[], env = process.env) =>
  output(command, args, env).then(
    () => true,
    () => false,
  );
