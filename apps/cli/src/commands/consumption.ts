import type { Call, Command } from '../command';
import { byHand, byHandOptions } from './options';

interface Consumption {
  group: string;
  paused: { at: string } | null;
}

function set(action: 'pause' | 'resume') {
  return async ({ services, args, values }: Call) => {
    const [group] = args as [string];
    const answer = await services.ask<Consumption>(group, `/${action}`, byHand(values));
    return { text: answer ? `${group} is ${answer.paused ? 'paused' : 'not paused'}` : '', data: answer ?? null };
  };
}

export const consumptionCommands: readonly Command[] = [
  {
    name: 'pause',
    args: ['GROUP'],
    options: byHandOptions,
    needs: ['reason'],
    does: `Has all processes of a service stop taking events, until it is resumed; a restart changes nothing. Calls to the
      outside that are decided already (gateway, carrier, mails) are made all the same, and what is in the outbox is published.`,
    run: set('pause'),
  },
  {
    name: 'resume',
    args: ['GROUP'],
    options: byHandOptions,
    needs: ['reason'],
    does: 'Has a paused service go on.',
    run: set('resume'),
  },
];
