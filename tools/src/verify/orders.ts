import { type Invariant, ofEachCase } from './invariant';

export const orderInvariants: readonly Invariant[] = [
  ofEachCase('every order has ended', ({ order }) => {
    if (!order) return null;
    return order.status === 'completed' || order.status === 'cancelled' ? undefined : `is ${order.status}`;
  }),

  ofEachCase('the history of an order has each of its versions once and ends in its status', ({ order, history }) => {
    if (!order) return null;
    const versions = history.map(({ version }) => version).join(' ');
    if (versions !== Array.from({ length: order.version }, (_, i) => i + 1).join(' '))
      return `is at version ${order.version} and has history of ${versions || 'none'}`;
    const last = history.at(-1)?.status;
    return last === order.status ? undefined : `is ${order.status}, by its history ${last}`;
  }),

  ofEachCase('nobody knows of an order that does not exist', (about) => {
    if (about.order) return undefined;
    const knowing = Object.entries(about).filter(([, known]) => (Array.isArray(known) ? known.length > 0 : known));
    return `is no order, but there are: ${knowing
      .map(([what]) => what)
      .filter((what) => what !== 'order_id')
      .join(', ')}`;
  }),
];
