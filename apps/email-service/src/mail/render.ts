import type { CancelReason } from '@order-events/contracts';
import type { Mail, MailType } from '../domain';
import { htmlBody } from './html-body';
import { textBody } from './text-body';

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** A mail's subject and its two bodies. Pure; nothing that users wrote gets into the subject or becomes markup. */
export function render<T extends MailType>({ type, order }: Mail<T>): RenderedMail {
  const { subject, ...words } = wordings[type](order);
  const content = { ...words, order };
  return { subject: `${subject} (${order.order_id})`, text: textBody(content), html: htmlBody(content) };
}

type Wording = { subject: string; heading: string; paragraphs: readonly string[] };

const wordings: { [T in MailType]: (order: Mail<T>['order']) => Wording } = {
  received: () => ({
    subject: 'We have received your order',
    heading: 'Thank you for your order',
    paragraphs: ['We have received it and are checking stock and payment. You will hear from us again shortly.'],
  }),
  confirmed: () => ({
    subject: 'Your order is confirmed',
    heading: 'Your order is confirmed',
    paragraphs: ['Everything is in stock and your payment has been authorised. We are getting your parcel ready.'],
  }),
  completed: ({ carrier, tracking_number }) => ({
    subject: 'Your order is on its way',
    heading: 'Your order is on its way',
    paragraphs: [`We have handed your parcel to ${carrier}.`, `Tracking number: ${tracking_number}`],
  }),
  cancelled: ({ reason }) => ({
    subject: 'Your order has been cancelled',
    heading: 'Your order has been cancelled',
    paragraphs: [
      cancelledBecause[reason],
      'If an amount was reserved or charged, it goes back to your means of payment.',
    ],
  }),
};

const cancelledBecause: Record<CancelReason, string> = {
  customer_request: 'We have cancelled it, as you asked.',
  out_of_stock: 'We are sorry: not everything that you ordered is in stock.',
  payment_declined: 'Your payment was declined, so we could not accept the order.',
  capture_failed: 'Your payment could not be collected, so we could not go on with the order.',
  shipment_failed: 'We are sorry: we could not have it delivered to the address that you gave.',
  expired: 'We are sorry: we could not finish processing it in time.',
};
