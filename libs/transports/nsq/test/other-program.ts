/** Publishes a body by the HTTP side of one nsqd, as programs without a client do. */
export async function putBody(nsqlookupd: string, topic: string, body: Uint8Array): Promise<void> {
  const response = await fetch(`http://${nsqlookupd}/nodes`);
  const { producers } = (await response.json()) as { producers: { http_port: number }[] };
  const published = await fetch(`http://127.0.0.1:${producers[0]!.http_port}/pub?topic=${topic}`, {
    method: 'POST',
    body: Buffer.from(body),
  });
  if (!published.ok) throw new Error(await published.text());
}
