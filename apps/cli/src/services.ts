import { UsageError } from './command';

const ANSWER_MS = 10_000;

/** A service that has not said what it was asked, with why. */
export interface Silence {
  service: string;
  url: string;
  reason: string;
}

/** A service has answered that this cannot be done. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}

interface ProblemDetails {
  detail?: string;
  errors?: { pointer: string; detail: string }[];
}

/** The operator routes of all services. */
export class Services {
  readonly silent: Silence[] = [];

  constructor(
    private readonly addresses: ReadonlyMap<string, string>,
    private readonly token: string,
  ) {}

  get names(): string[] {
    return [...this.addresses.keys()];
  }

  /**
   * What one service answers, undefined if it does not answer, which is noted in `silent`; null if there is no such thing.
   * @param body posted as JSON; without one it is a GET
   * @throws RefusedError, UsageError
   */
  async ask<T>(service: string, path: string, body?: object): Promise<T | null | undefined> {
    const url = this.addresses.get(service);
    if (url === undefined) throw new UsageError(`There is no service ${service}, only ${this.names.join(', ')}.`);
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const request = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    try {
      const response = await fetch(`${url}${path}`, { ...request, signal: AbortSignal.timeout(ANSWER_MS) });
      const answer = await response.json();
      if (response.ok) return answer as T;
      if (response.status === 404) return null;
      const { detail, errors = [] } = answer as ProblemDetails;
      const why = [detail, ...errors.map((error) => `${error.pointer.slice(1)} ${error.detail}`)].join(' ');
      if (response.status === 400) throw new UsageError(`${service}: ${why}`);
      if (response.status < 500) throw new RefusedError(`${service} refuses (${response.status}): ${why}`);
      this.silent.push({ service, url, reason: `${response.status} ${why}` });
    } catch (error) {
      if (error instanceof UsageError || error instanceof RefusedError) throw error;
      this.silent.push({ service, url, reason: reasonOf(error as Error) });
    }
    return undefined;
  }

  /** What those answer that answer, by service. */
  async askAll<T>(path: string): Promise<Map<string, T>> {
    const answers = await Promise.all(
      this.names.map(async (service) => [service, await this.ask<T>(service, path)] as const),
    );
    return new Map(
      answers.flatMap(([service, answer]) =>
        answer === undefined || answer === null ? [] : [[service, answer] as const],
      ),
    );
  }
}

/** fetch tells why it failed one level deeper. */
function reasonOf({ message, cause }: Error): string {
  const { code, message: deeper } = (cause ?? {}) as { code?: string; message?: string };
  return deeper || code || message;
}
