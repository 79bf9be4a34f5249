import { createTransport } from 'nodemailer';
import { json, type RunningSandbox, startSandbox } from './start-sandbox';

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const mailOf = (order_id: string, to = 'a@example.com') => ({
  from: 'shop@example.com',
  to,
  messageId: `<${order_id}.received@order-events.example>`,
  subject: 'Grüße — your order',
  text: 'Hello Zoë',
  html: '<p>Hello Zoë</p>',
});

async function send(mail: object): Promise<void> {
  const transport = createTransport(sandbox.smtpUrl);
  await transport.sendMail(mail);
  transport.close();
}

async function mailsOf(order_id: string) {
  const response = await fetch(`${sandbox.url}/mails?order_id=${order_id}`);
  expect(response.status).toBe(200);
  return (await json(response)).mails;
}

test('a mail can be read back, by its order and by its id', async () => {
  await send(mailOf('a.b-c'));
  const [mail, ...others] = await mailsOf('a.b-c');
  expect(others).toEqual([]);
  expect(mail).toMatchObject({
    message_id: '<a.b-c.received@order-events.example>',
    to: 'a@example.com',
    subject: 'Grüße — your order',
    text: 'Hello Zoë\n',
    html: '<p>Hello Zoë</p>\n',
    copies: 1,
  });
  expect(new Date(mail.received_at).toISOString()).toBe(mail.received_at);
  const byId = await fetch(`${sandbox.url}/mails/${mail.id}`);
  expect(await byId.json()).toEqual(mail);
});

test('copies with one Message-ID are counted, at once too', async () => {
  await Promise.all(Array.from({ length: 5 }, () => send(mailOf('copied'))));
  expect(await mailsOf('copied')).toMatchObject([{ copies: 5 }]);
});

test('a mail that is about no order is kept all the same', async () => {
  await send({ ...mailOf('x'), messageId: '<hello@example.com>' });
  const stored = await sandbox.database.query(`SELECT order_id FROM mails WHERE message_id = '<hello@example.com>'`);
  expect(stored).toEqual([{ order_id: null }]);
});

test('reject@ is refused for good', async () => {
  await expect(send(mailOf('rejected', 'Reject@example.com'))).rejects.toMatchObject({ responseCode: 550 });
  expect(await mailsOf('rejected')).toEqual([]);
});

test('later@ is told to come again, once for each mail', async () => {
  const mail = mailOf('later', 'later@example.com');
  await expect(send(mail)).rejects.toMatchObject({ responseCode: 451 });
  expect(await mailsOf('later')).toEqual([]);
  await send(mail);
  expect(await mailsOf('later')).toMatchObject([{ copies: 1 }]);
});

test('there is no mail with an id that nobody gave', async () => {
  for (const id of ['0', '999999999999999', '99999999999999999999', 'x']) {
    expect((await fetch(`${sandbox.url}/mails/${id}`)).status).toBe(404);
  }
});
