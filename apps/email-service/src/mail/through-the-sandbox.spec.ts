import type { OrderBody } from '@order-events/contracts';
import { json, type RunningSandbox, startSandbox } from '../../../sandbox/test/start-sandbox';
import type { MailType } from '../domain';
import { messageIdOf } from './mailer';
import { render, type RenderedMail } from './render';
import { SmtpMailer } from './smtp-mailer';

let sandbox: RunningSandbox;
let mailer: SmtpMailer;
beforeAll(async () => {
  sandbox = await startSandbox();
  mailer = new SmtpMailer({ url: sandbox.smtpUrl, from: 'orders@example.com' });
});
afterAll(async () => {
  mailer.close();
  await sandbox.close();
});

const order: OrderBody = {
  order_id: '01f-a.b_c~d',
  user_id: 'user_1',
  product_ids: ['prod1'],
  timestamp: 1_790_000_000,
  items: [{ product_id: 'prod1', quantity: 2, unit_price: 1000 }],
  total: 2000,
  currency: 'EUR',
  shipping_address: { name: 'Zoë <b>', street: 'Main 1', city: 'Köln' },
};
const rendered: Record<MailType, RenderedMail> = {
  received: render({ type: 'received', order }),
  confirmed: render({ type: 'confirmed', order }),
  completed: render({ type: 'completed', order: { ...order, carrier: 'Sandbox Express', tracking_number: 'SBX1' } }),
  cancelled: render({ type: 'cancelled', order: { ...order, reason: 'expired' } }),
};
const send = (type: MailType, to: string, order_id = order.order_id) =>
  mailer.send(
    { messageId: messageIdOf(order_id, type), to, ...rendered[type] },
    { signal: new AbortController().signal },
  );
const mailsOf = async (order_id: string): Promise<RenderedMail[]> =>
  (await json(await fetch(`${sandbox.url}/mails?order_id=${order_id}`))).mails;

test('each mail arrives under its order as it was rendered, and its copies are counted', async () => {
  const types = Object.keys(rendered) as MailType[];
  for (const type of types) expect(await send(type, 'a@example.com')).toEqual({ outcome: 'sent' });
  await send('received', 'a@example.com');

  const arrived = await mailsOf(order.order_id);
  expect(arrived).toHaveLength(types.length);
  for (const [index, type] of types.entries()) {
    expect(arrived[index]).toMatchObject({
      message_id: `<01f-a.b_c~d.${type}@order-events.example>`,
      to: 'a@example.com',
      subject: rendered[type].subject,
      copies: type === 'received' ? 2 : 1,
    });
  }
  const bodies = ({ text, html }: RenderedMail) => [text.trim(), html.trim()];
  expect(arrived.map(bodies)).toEqual(types.map((type) => bodies(rendered[type])));
});

test('a mailbox that does not exist is a refusal; one that is busy is tried again', async () => {
  expect(await send('received', 'reject@example.com', 'nobody')).toMatchObject({ outcome: 'refused' });
  await expect(send('received', 'later@example.com', 'busy')).rejects.toThrow('451');
  expect(await send('received', 'later@example.com', 'busy')).toEqual({ outcome: 'sent' });
  expect(await mailsOf('busy')).toMatchObject([{ copies: 1 }]);
});
