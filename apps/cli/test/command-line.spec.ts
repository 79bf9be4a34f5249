import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Router } from 'express';
import { OPERATOR_ACTIONS } from '@order-events/store';
import { errors, run, start, TOKEN, type Service } from './services';

const STOCK = { product_id: 'apple', available: 7, reserved: 2, sold: 1 };
let inventory: Service;
let email: Service;

beforeEach(async () => {
  const stock = Router().get('/stock', (_request, response) => void response.json({ items: [STOCK] }));
  [inventory, email] = await Promise.all([start('inventory', stock), start('email')]);
});
afterEach(async () => {
  await Promise.all([inventory.close(), email.close()]);
  expect(errors).toEqual([]);
});

const oe = (line: string, env: NodeJS.ProcessEnv = {}) =>
  run(line, { OE_SERVICES: `inventory=${inventory.url},email=${email.url}`, ...env });

test.each([
  ['', 'Usage'],
  ['dlq', 'no such command'],
  ['dlq ls --colour', '--colour'],
  ['dlq ls too much', 'takes nothing'],
  ['dlq show email', 'GROUP ID'],
  ['dlq ls --older-than soon', '--older-than'],
  ['dlq ls --limit 0', '--limit'],
  ['dlq ls --id x', 'id'],
  ['actions --limit 0', 'limit'],
  ['actions --action foo', `action must be one of ${OPERATOR_ACTIONS.join(', ')}`],
  ['dlq redrive --per-second fast --dry-run', '--per-second'],
  ['pause kitchen --reason x', 'no service kitchen'],
  ['pause email', '--reason'],
  ['dlq discard --reason x', 'must say of what'],
  ['dlq discard --dry-run --limit 5', 'must say of what'],
  ['orders refund o1', '--reason'],
  ['orders refund --reason x', 'ID'],
  ['replay order-api --since 2026-11-21T10:00:00Z --reason x', '--topic'],
  ['replay email --topic inventory.reserved --since 2026-11-21T10:00:00Z --reason x', 'not for email'],
  ['replay order-api --topic inventory.reserved --reason x', '--since'],
  ['replay order-api --topic inventory.reserved --since 2026-11-21T10:00:00Z', '--reason'],
  ['audit --since 2026-11-21T10:00:00Z --reason x', '--group'],
  ['audit --group email --since yesterday --reason x', '--since'],
  ['audit --group email --since 2026-11-21T10:00:00Z', '--reason'],
])('oe %s is not understood', async (line, why) => {
  const { code, stdout, stderr } = await oe(line);
  expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(why)]);
});

test('help tells every command, or those that are meant', async () => {
  const all = await oe('--help');
  expect(all.code).toBe(0);
  for (const name of [
    'orders show ID',
    'orders refund ID',
    'overdue',
    'actions',
    'dlq ls',
    'dlq show',
    'dlq redrive',
    'dlq discard',
    'outbox',
    'lag',
    'stock',
    'audit',
    'replay GROUP',
    'pause',
  ])
    expect(all.stdout).toContain(`\n  ${name}`);
  expect(all.stdout).toContain('\n  pause GROUP --reason [--actor]\n');
  const { stdout: ofActions } = await oe('actions --help');
  for (const action of OPERATOR_ACTIONS) expect(ofActions).toMatch(new RegExp(`^  --action .*\\b${action}\\b`, 'm'));
  const some = await oe('dlq --help');
  expect(some.stdout).toContain('--per-second');
  expect(some.stdout).not.toContain('orders show');
});

test('the token is that of the running system; a wrong one and a wrong setting are told of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oe-'));
  const env = { OPERATOR_TOKEN: '', DATA_DIR: folder };
  const unknown = await oe('lag', env);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('OPERATOR_TOKEN')]);
  writeFileSync(join(folder, 'system.json'), JSON.stringify({ operator_token: TOKEN }));
  expect((await oe('lag', env)).code).toBe(0);
  rmSync(folder, { recursive: true });
  const wrong = await oe('lag', { OPERATOR_TOKEN: 'wrong' });
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/refuses \(401\)/)]);
  const setting = await oe('lag', { OE_SERVICES: 'inventory' });
  expect([setting.code, setting.stderr]).toEqual([2, expect.stringContaining('OE_SERVICES')]);
});

test('a system that npm start has moved to other ports is found by what it tells of itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oe-'));
  // Inventory listens 11 above order-api.
  const apiPort = Number(new URL(inventory.url).port) - 11;
  const state = { api_urls: [`http://127.0.0.1:${apiPort}`], operator_token: TOKEN };
  writeFileSync(join(folder, 'system.json'), JSON.stringify(state));
  const stock = await oe('stock', { OE_SERVICES: '', OPERATOR_TOKEN: '', DATA_DIR: folder });
  rmSync(folder, { recursive: true });
  expect([stock.code, stock.stdout]).toEqual([0, expect.stringMatching(/^apple /m)]);
});
