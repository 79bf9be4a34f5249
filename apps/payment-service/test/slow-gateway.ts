import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call that has arrived and is not answered yet. */
export interface HeldCall {
  key: string;
  answer(): void;
}

/** A gateway that authorises everything, as soon as a test lets it, and the same for the same key. */
export class SlowGateway {
  /** Idempotency keys in the order in which they arrived, repeated ones too. */
  readonly calls: string[] = [];
  /** What is to be done with a call. */
  onCall: (call: HeldCall) => void = (call) => call.answer();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => this.take(request, response));
  }

  static async start(): Promise<SlowGateway> {
    const gateway = new SlowGateway();
    await new Promise<void>((resolve) => gateway.server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const key = request.headers['idempotency-key'] as string;
    this.calls.push(key);
    // Whoever asked may be gone by the time of the answer.
    response.on('error', () => undefined);
    request.resume().on('end', () => {
      const answer = () => {
        response.writeHead(201, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ authorization_id: `authorization of ${key}` }));
      };
      this.onCall({ key, answer });
    });
  }
}
