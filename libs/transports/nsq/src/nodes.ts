/** One nsqd. */
export interface Node {
  host: string;
  /** Of its protocol. */
  port: number;
  httpPort: number;
}

export interface NodesOptions {
  /** `host:port` of nsqds, several with commas between them; may be empty. */
  nsqdAddresses: string;
  /** `host:port` of the HTTP side of nsqlookupds, likewise. */
  nsqlookupdAddresses: string;
  onError(error: Error): void;
}

const ANSWER_MS = 3_000;
/** What was to be deleted is not there. */
const GONE = 404;

interface Producer {
  broadcast_address: string;
  tcp_port: number;
  http_port: number;
}

/** The nsqds there are: those that were given, and those of which any nsqlookupd knows. */
export class Nodes {
  private readonly given: readonly Node[];
  private readonly lookups: readonly string[];
  /** Of the last time that a nsqlookupd has answered. */
  private discovered: readonly Node[] = [];

  constructor(private readonly options: NodesOptions) {
    this.given = split(options.nsqdAddresses).map(node);
    this.lookups = split(options.nsqlookupdAddresses);
  }

  /** Asks every nsqlookupd. Rejects when there is none to be found. */
  async find(): Promise<readonly Node[]> {
    const answers = await Promise.allSettled(this.lookups.map(producers));
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    if (found.length > 0) this.discovered = found.flat();
    for (const answer of answers) if (answer.status === 'rejected') this.options.onError(answer.reason as Error);
    // What a nsqlookupd knows of a nsqd is worth more than what its address lets us guess.
    const nodes = new Map([...this.given, ...this.discovered].map((one) => [addressOf(one), one]));
    if (nodes.size === 0) throw new Error('no nsqd is known');
    return [...nodes.values()];
  }
}

export const addressOf = ({ host, port }: Node) => `${host}:${port}`;
export const addressOfHttp = ({ host, httpPort }: Node) => `${host}:${httpPort}`;

async function producers(address: string): Promise<Node[]> {
  const { producers } = await getJson<{ producers: Producer[] }>(address, '/nodes');
  return producers.map(({ broadcast_address, tcp_port, http_port }) => ({
    host: broadcast_address,
    port: tcp_port,
    httpPort: http_port,
  }));
}

/** @param address `host:port` of a nsqd's or a nsqlookupd's HTTP side */
export async function getJson<T>(address: string, path: string): Promise<T> {
  return ask(address, path, 'GET', async (response) => (await response.json()) as T);
}

/** Does what the path says, which may have been done already. @param address as above */
export async function post(address: string, path: string): Promise<void> {
  await ask(address, path, 'POST', (response) => response.text(), [GONE]);
}

async function ask<T>(
  address: string,
  path: string,
  method: string,
  read: (response: Response) => Promise<T>,
  fine: readonly number[] = [],
): Promise<T> {
  try {
    const response = await fetch(`http://${address}${path}`, { method, signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok && !fine.includes(response.status)) throw new Error(`status ${response.status}`);
    return await read(response);
  } catch (error) {
    const { message, cause } = error as Error;
    const detail = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new Error(`http://${address}${path} gave no answer: ${detail}`, { cause: error });
  }
}

const split = (list: string) =>
  list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

function node(address: string): Node {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port)) throw new Error(`"${address}" is not an address, host:port`);
  // As nsqd's own 4150 and 4151.
  return { host: address.slice(0, colon), port, httpPort: port + 1 };
}
