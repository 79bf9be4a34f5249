import { connect } from 'nats';

/** Publishes a body without headers to a subject, as any program does; nobody is asked whether a stream has it. */
export async function putBody(url: string, subject: string, body: Uint8Array, caFile?: string): Promise<void> {
  const { host, username, password } = new URL(url);
  const credentials = username ? { user: username, pass: password } : {};
  const connection = await connect({ servers: host, ...credentials, ...(caFile && { tls: { caFile } }) });
  try {
    connection.publish(subject, body);
    await connection.flush();
  } finally {
    await connection.close();
  }
}
