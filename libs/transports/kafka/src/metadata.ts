/* eslint-disable @typescript-eslint/no-require-imports */

interface Exchange {
  request: unknown;
  response: { decode(data: unknown): Promise<unknown>; parse(data: unknown): Promise<unknown> };
}
type Make = (asked: { topics: readonly string[] }) => Exchange;

/**
 * A client that wants no topic yet asks for all that there are, and fails when any of them has no leader, whosever it is.
 * It is after the addresses of the brokers then, and they are in the answer.
 */
export function letTopicsOfOthersBeBroken(): void {
  const metadata = require('kafkajs/src/protocol/requests/metadata') as { protocol(of: { version: number }): Make };
  const { protocol } = metadata;
  metadata.protocol = (of) => {
    const make = protocol(of);
    return (asked) => {
      const { request, response } = make(asked);
      return {
        request,
        response: asked.topics.length > 0 ? response : { ...response, parse: (data) => Promise.resolve(data) },
      };
    };
  };
}
