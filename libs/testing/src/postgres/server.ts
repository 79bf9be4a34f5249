import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkPort } from '../ports';
import { type Account, type RunAs, runAs, serverAccount } from './account';
import { binary } from './binaries';
import { withClient } from './client';
import { stopLeftover } from './leftover';

export interface PostgresOptions {
  /** The data directory; made and initialised when it is not there. */
  directory: string;
  /** On 127.0.0.1. */
  port: number;
  /**
   * The superuser's, fixed when the directory is initialised. Without it the server is a throw-away one: it trusts every
   * local connection, is fast instead of durable, and ends with a Ctrl-C on the terminal.
   */
  password?: string;
  /** Receives the server's log, line by line. */
  log?: (line: string) => void;
}

export interface PostgresServer {
  /** Of the superuser `postgres` and the database `postgres`. */
  url: string;
  pid: number;
  /** Resolves when the server's process has ended, for whatever reason. */
  exited: Promise<void>;
  /** Ends sessions and the server in order. */
  stop(): Promise<void>;
  /** Ends the server without any order, as a crash would. */
  kill9(): Promise<void>;
}

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // For eight replicas of everything: each has up to two dozen connections.
  max_connections: '1000',
  // A session that holds locks and says nothing for so long has lost its client.
  idle_in_transaction_session_timeout: '60s',
  log_checkpoints: 'off',
  log_line_prefix: '',
};
const fastInsteadOfDurable = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Starts a Postgres server and resolves when it answers queries. A server that is still alive on the same directory is
 * stopped first. Rejects when the port is taken or the server ends instead of answering, with the end of its log.
 */
export async function startPostgres({ port, password, log, ...rest }: PostgresOptions): Promise<PostgresServer> {
  const directory = resolve(rest.directory);
  await stopLeftover(directory);
  await checkPort(port).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new Error(`Port ${port} on 127.0.0.1 is in use.`) : error;
  });
  const account = serverAccount();
  if (!existsSync(join(directory, 'PG_VERSION'))) await initialise(directory, account, password);
  // Whoever owns the data keeps it: Postgres refuses to serve the data of another account.
  const { uid, gid } = statSync(directory);
  const identity = runAs(account && { ...account, uid, gid }, [directory, binary('postgres')]);

  const options = { ...settings, ...(password === undefined ? fastInsteadOfDurable : {}), port: String(port) };
  const args = ['-D', directory, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const url = `postgres://postgres${password === undefined ? '' : `:${password}`}@127.0.0.1:${port}/postgres`;
  for (;;) {
    const program = run(binary('postgres'), args, identity, { detached: password !== undefined, log });
    const server = control(url, program);
    const up = await answers(url, program).catch(async (error: Error) => {
      await server.stop();
      throw error;
    });
    if (up) return server;
    await program.closed;
    // After a kill -9, sessions of the server before live on until they notice; the next server has to wait for them.
    if (!program.tail().includes('pre-existing shared memory block')) {
      throw new Error(`Postgres did not start in ${directory}:\n${program.tail()}`);
    }
    await sleep(100);
  }
}

/**
 * Makes the data directory under another name first, so that one that was not finished is never taken for one that was.
 */
async function initialise(directory: string, account: Account | undefined, password: string | undefined) {
  const unfinished = `${directory}.new`;
  const passwordFile = `${directory}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${password ?? ''}\n`, { mode: 0o600 });
  if (account) for (const path of [unfinished, passwordFile]) chownSync(path, account.uid, account.gid);

  // The locale that is built into the server sorts alike on every system.
  const locale = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = password === undefined ? ['-A', 'trust', '--no-sync'] : ['-A', 'scram-sha-256'];
  const args = [
    '-D',
    unfinished,
    '-U',
    'postgres',
    '--pwfile',
    passwordFile,
    '--no-instructions',
    ...locale,
    ...access,
  ];
  try {
    const program = run(binary('initdb'), args, runAs(account, [unfinished, binary('initdb')]), { detached: true });
    await program.closed;
    if (program.child.exitCode !== 0) throw new Error(`Postgres could not make ${directory}:\n${program.tail()}`);
    renameSync(unfinished, directory);
  } finally {
    rmSync(passwordFile);
  }
}

interface Program {
  child: ChildProcess;
  exited: Promise<void>;
  /** Its output has ended too. That of a server ends with its last session. */
  closed: Promise<void>;
  /** The last lines of its output. */
  tail(): string;
  /** A server has said that it is up. */
  isUp(): boolean;
}

function run(
  file: string,
  args: readonly string[],
  { prefix, options }: RunAs,
  { detached, log }: { detached: boolean; log?: (line: string) => void },
): Program {
  const [command = file, ...words] = [...prefix, file, ...args];
  // Nothing of the caller's environment: PGDATA, PGOPTIONS and their like would change the server.
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  const child = spawn(command, words, { ...options, env, cwd: '/', detached, stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let up = false;
  const read = (line: string) => {
    up ||= line.includes('database system is ready to accept connections');
    lines.splice(0, lines.length - 19);
    lines.push(line);
    log?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', read);
  child.once('error', (error) => read(error.message));
  const closed = new Promise<void>((done) => child.once('close', () => done()));
  const exited = Promise.race([closed, new Promise<void>((done) => child.once('exit', () => done()))]);
  return { child, exited, closed, tail: () => lines.join('\n'), isUp: () => up };
}

/**
 * True once the server answers a query; false when it has ended. It is not asked before it says that it is up, because it
 * would log each refusal.
 */
async function answers(url: string, program: Program): Promise<boolean> {
  let alive = true;
  void program.exited.then(() => (alive = false));
  while (alive) {
    if (program.isUp()) {
      await withClient(url, (client) => client.query('SELECT 1'));
      return true;
    }
    await Promise.race([program.exited, sleep(10)]);
  }
  return false;
}

function control(url: string, { child, exited }: Program): PostgresServer {
  return {
    url,
    // There is none when the program could not be started at all, and then nobody gets to see this.
    pid: child.pid ?? NaN,
    exited,
    async stop() {
      child.kill('SIGINT');
      // Sessions that do not end are cut off; the log is replayed at the next start.
      const impatience = setTimeout(() => child.kill('SIGQUIT'), 15_000);
      await exited;
      clearTimeout(impatience);
    },
    async kill9() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
