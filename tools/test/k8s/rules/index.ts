import { durable } from './durable';
import { network } from './network';
import type { Rule } from './rule';
import { running } from './running';
import { secrets } from './secrets';
import { security } from './security';
import { whole } from './whole';

export const rules: readonly Rule[] = [...security, ...secrets, ...network, ...running, ...durable, ...whole];
