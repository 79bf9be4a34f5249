export interface Posting {
  idempotencyKey: string;
  signal: AbortSignal;
  /** For the whole of the answer, milliseconds. */
  timeoutMs: number;
}

export interface Answer {
  url: string;
  status: number;
  text: string;
  /** Undefined when the text is not JSON. */
  body: unknown;
}

/** Posts JSON, and rejects with an error that names the cause when no answer comes: then nothing is known. */
export async function postJson(
  url: string,
  input: object,
  { idempotencyKey, signal, timeoutMs }: Posting,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify(input),
      signal: AbortSignal.any([signal, timeout]),
      // A place that the settings do not name is not asked to do anything.
      redirect: 'error',
    });
    const text = await textOf(response);
    return { url, status: response.status, text: storable(text), body: parsed(text) };
  } catch (error) {
    throw new Error(`POST ${url}: ${whyNoAnswer(error, timeout, timeoutMs)}`, { cause: error });
  }
}

/** No answer is longer, in bytes: each is held in memory, and so are those of all other calls. */
const MOST_BYTES = 1_000_000;

async function textOf(response: Response): Promise<string> {
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** The error for an answer that does not say what happened. */
export function unclear({ url, text }: Answer, what: string): Error {
  return new Error(`POST ${url}: ${what}: ${text.slice(0, 500)}`);
}

/** Without NUL and halves of pairs, which Postgres cannot keep: what somebody says must not make its record impossible. */
export const storable = (text: string) => text.replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? storable(value) : value));
  } catch {
    return undefined; // told apart from every JSON value, so that no schema takes it
  }
}

function whyNoAnswer(error: unknown, timeout: AbortSignal, timeoutMs: number): string {
  if (timeout.aborted) return `no answer within ${timeoutMs} ms`;
  // fetch says "fetch failed" and keeps the reason behind it.
  const { message, cause } = error as Error & { cause?: Error };
  return cause ? `${message}: ${cause.message}` : message;
}
