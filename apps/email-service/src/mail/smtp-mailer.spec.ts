import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { messageIdOf, type OutgoingMail } from './mailer';
import { SmtpMailer } from './smtp-mailer';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A mailer that speaks to an SMTP server which takes what the options let it take. */
async function mailerTo(options: SMTPServerOptions, timeoutMs?: number): Promise<SmtpMailer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    closeTimeout: 1,
    ...options,
  });
  server.on('error', () => undefined); // connections that the mailer gives up, which is what some tests are about
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(() => new Promise((closed) => server.close(() => closed())));
  return mailerAt((server.server.address() as AddressInfo).port, timeoutMs);
}

function mailerAt(port: number, timeoutMs?: number, connections?: number): SmtpMailer {
  const mailer = new SmtpMailer({
    url: `smtp://127.0.0.1:${port}`,
    from: 'Our Shop <shop@example.com>',
    timeoutMs,
    connections,
  });
  closing.push(async () => mailer.close());
  return mailer;
}

/** A server that is not quite one. */
async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the other end may be gone already
    onConnection(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  });
  return (server.address() as AddressInfo).port;
}

const mail: OutgoingMail = {
  messageId: messageIdOf('o-1', 'received'),
  to: 'a@example.com',
  subject: 'Your order',
  text: 'Thank you, Zoë\n.\nEnd',
  html: '<p>Thank you, Zoë</p>',
};
const newCall = () => ({ signal: new AbortController().signal });
const refusing = (responseCode: number) => Object.assign(new Error(`a ${responseCode}`), { responseCode });

/** Collects what arrives. */
function collecting(): { mails: string[]; options: SMTPServerOptions } {
  const mails: string[] = [];
  const onData: SMTPServerOptions['onData'] = (stream, _session, done) => {
    void buffer(stream).then((raw) => {
      mails.push(raw.toString());
      done();
    });
  };
  return { mails, options: { onData } };
}

test('a mail is sent with its Message-ID, and a second copy with the same one', async () => {
  const { mails, options } = collecting();
  const mailer = await mailerTo(options);
  expect(await mailer.send(mail, newCall())).toEqual({ outcome: 'sent' });
  expect(await mailer.send(mail, newCall())).toEqual({ outcome: 'sent' });
  expect(mails).toHaveLength(2);
  for (const raw of mails) {
    expect(raw.match(/^Message-ID: .*$/gim)).toEqual(['Message-ID: <o-1.received@order-events.example>']);
    expect(raw).toMatch(/^From: Our Shop <shop@example\.com>\r$/m);
    expect(raw).toMatch(/^To: a@example\.com\r$/m);
  }
});

test('many mails at once share the pool, and each arrives once', async () => {
  const { mails, options } = collecting();
  const mailer = await mailerTo(options);
  const ids = Array.from({ length: 50 }, (_, index) => messageIdOf(`o-${index}`, 'completed'));
  await Promise.all(ids.map((messageId) => mailer.send({ ...mail, messageId }, newCall())));
  const arrived = mails.map((raw) => /^Message-ID: (.*)\r$/im.exec(raw)?.[1]);
  expect(arrived.toSorted()).toEqual(ids.toSorted());
});

test.each([550, 552, 554])('a %d for the recipient or for the mail is a refusal', async (code) => {
  const recipient = await mailerTo({ onRcptTo: (_address, _session, done) => done(refusing(code)) });
  expect(await recipient.send(mail, newCall())).toEqual({ outcome: 'refused', reason: `${code} a ${code}` });
  const message = await mailerTo({
    onData: (stream, _session, done) => void buffer(stream).then(() => done(refusing(code))),
  });
  expect(await message.send(mail, newCall())).toEqual({ outcome: 'refused', reason: `${code} a ${code}` });
});

// Cut between two characters, and within one.
test.each(['', '.'])('a reason is told on one line, without what a database cannot keep (%j)', async (shift) => {
  const emoji = '\u{1f4ee}';
  const wordy = Object.assign(new Error(`no\nmailbox\0here ${shift}${emoji.repeat(300)}`), { responseCode: 550 });
  const mailer = await mailerTo({ onRcptTo: (_address, _session, done) => done(wordy) });
  const answer = await mailer.send(mail, newCall());
  expect(answer).toEqual({ outcome: 'refused', reason: expect.stringMatching(/^550[ -]no( 550)? mailbox here/) });
  expect(JSON.stringify(answer)).not.toMatch(/\\[nu]/);
});

test.each([421, 450, 451])('a %d leaves the outcome open', async (code) => {
  const recipient = await mailerTo({ onRcptTo: (_address, _session, done) => done(refusing(code)) });
  await expect(recipient.send(mail, newCall())).rejects.toThrow(`a ${code}`);
  const message = await mailerTo({
    onData: (stream, _session, done) => void buffer(stream).then(() => done(refusing(code))),
  });
  await expect(message.send(mail, newCall())).rejects.toThrow(`a ${code}`);
});

test('a server that does not want us, whoever the mail is for, refuses nothing of it', async () => {
  const greeting = await mailerTo({ onConnect: (_session, done) => done(refusing(554)) });
  await expect(greeting.send(mail, newCall())).rejects.toThrow('a 554');
  const sender = await mailerTo({ onMailFrom: (_address, _session, done) => done(refusing(550)) });
  await expect(sender.send(mail, newCall())).rejects.toThrow('a 550');
});

test.each([
  'a@example.com\r\nBcc: b@example.com',
  'a@example.com, b@example.com',
  'A <a@example.com>',
  'a@example.com\u0000',
  'nobody',
  '',
])('%j is no address that a mail can be sent to', async (to) => {
  const { mails, options } = collecting();
  const mailer = await mailerTo(options);
  expect(await mailer.send({ ...mail, to }, newCall())).toEqual({ outcome: 'refused', reason: 'invalid_address' });
  expect(mails).toEqual([]);
});

test('line breaks in the subject do not make headers', async () => {
  const { mails, options } = collecting();
  const mailer = await mailerTo(options);
  await mailer.send({ ...mail, subject: 'Hello\r\nBcc: b@example.com\r\n\r\nbody' }, newCall());
  const [headers = ''] = mails[0]?.split('\r\n\r\n') ?? [];
  expect(headers).toMatch(/^Subject: Hello/m);
  expect(headers).not.toMatch(/^Bcc/im);
});

test('nobody listening, a cut connection and silence leave the outcome open', async () => {
  const cut = await listening((socket) => socket.destroy());
  await expect(mailerAt(cut).send(mail, newCall())).rejects.toThrow();
  const silent = await listening(() => undefined);
  await expect(mailerAt(silent, 50).send(mail, newCall())).rejects.toThrow(/timeout|greeting/i);
  const afterData = await mailerTo({ onData: () => undefined }, 200);
  await expect(afterData.send(mail, newCall())).rejects.toThrow(/timeout/i);
});

describe('a server that never answers: the call ends when its time is up', () => {
  /** Longer than any test takes: what ends a call here is its signal. */
  const timeoutMs = 3_600_000;
  const aborted = { name: 'AbortError' };

  test.each<[string, (socket: Socket, timeUp: () => void) => void]>([
    ['that does not greet', (_, timeUp) => timeUp()],
    [
      'that greets and says no more',
      (socket, timeUp) => {
        socket.write('220 Hello\r\n');
        socket.once('data', timeUp);
      },
    ],
    [
      'that begins an answer and goes on with it for ever',
      (socket, timeUp) => {
        socket.write('220 Hello\r\n');
        let lines = 0;
        socket.on('data', () => {
          const more = setInterval(() => {
            socket.write('250-And another thing\r\n');
            if (++lines === 5) timeUp();
          }, 1);
          socket.once('close', () => clearInterval(more));
        });
      },
    ],
  ])('one %s', async (_, behave) => {
    const time = new AbortController();
    let closed: Promise<unknown> | undefined;
    const port = await listening((socket) => {
      closed = once(socket, 'close');
      behave(socket, () => time.abort());
    });
    await expect(mailerAt(port, timeoutMs).send(mail, { signal: time.signal })).rejects.toMatchObject(aborted);
    await closed;
  });

  test('one that takes a mail and does not say so', async () => {
    const time = new AbortController();
    const mailer = await mailerTo({ onData: () => time.abort() }, timeoutMs);
    await expect(mailer.send(mail, { signal: time.signal })).rejects.toMatchObject(aborted);
  });

  test('also the call of a mail that waits for a connection', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const port = await listening(() => second.abort());
    const mailer = mailerAt(port, timeoutMs, 1);
    const sending = mailer.send(mail, { signal: first.signal });
    await expect(mailer.send(mail, { signal: second.signal })).rejects.toMatchObject(aborted);
    first.abort();
    await expect(sending).rejects.toMatchObject(aborted);
  });
});
