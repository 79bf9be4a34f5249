import { Client } from 'pg';

/** Does some work on a connection of its own, which is closed afterwards. */
export async function withClient<R>(url: string, work: (client: Client) => Promise<R>): Promise<R> {
  const client = new Client({ connectionString: url });
  // A connection that breaks rejects what is running on it, and says so once more here, where nobody needs to hear it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
