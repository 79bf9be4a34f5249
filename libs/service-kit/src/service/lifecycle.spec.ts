import { Child } from '../../test/child';

const run = (...args: string[]) => new Child('process.cjs', args);

test.each(['SIGTERM', 'SIGINT'] as const)('%s: stops, and ends with 0', async (signal) => {
  const child = run('ready');
  await child.says('ready');
  child.process.kill(signal);
  expect(await child.exitCode()).toBe(0);
  expect(child.stdout).toContain(`"reason":"${signal}"`);
  expect(child.stdout).toContain('"msg":"stopped"');
});

test('a second signal changes nothing', async () => {
  const child = run('ready');
  await child.says('ready');
  child.process.kill('SIGTERM');
  child.process.kill('SIGINT');
  expect(await child.exitCode()).toBe(0);
  expect(child.stdout.match(/"msg":"stopping"/g)).toHaveLength(1);
});

test('when the parent is gone it stops', async () => {
  const child = run('ready');
  await child.says('ready');
  child.process.disconnect();
  expect(await child.exitCode()).toBe(0);
  expect(child.stdout).toContain('the parent process is gone');
});

test('a stop that fails ends with 1', async () => {
  const child = run('ready', 'unclean');
  await child.says('ready');
  child.process.kill('SIGTERM');
  expect(await child.exitCode()).toBe(1);
  expect(child.stdout).toMatch(/"message":"the database is away"[^]*"msg":"did not stop cleanly and/);
});

test('a bad configuration ends with 2, and all that is wrong with it, but no secret', async () => {
  const env = { PORT: 'http', DATABASE_URL: 'mysql://me:hunter2@host/db' };
  const child = new Child('process.cjs', ['config'], env);
  expect(await child.exitCode()).toBe(2);
  expect(child.stderr).toMatch(/PORT: .*"http"[^]*DATABASE_URL: .*not shown[^]*GATEWAY_URL: is not set/);
  expect(child.stderr + child.stdout).not.toContain('hunter2');
});

test('a start that fails ends with 1, and the reason', async () => {
  const child = run('broken');
  expect(await child.exitCode()).toBe(1);
  expect(child.stdout).toMatch(/"message":"the port is taken"[^]*"msg":"could not start;/);
});

test('secrets do not reach the log', async () => {
  const child = run('secrets');
  await child.says('ready');
  child.process.kill('SIGTERM');
  expect(await child.exitCode()).toBe(0);
  expect(child.stdout).not.toContain('hunter2');
  const line = JSON.parse(child.stdout.split('\n')[0]!) as object;
  expect(line).toMatchObject({
    level: 'info',
    service: 'fake',
    order: { order_id: 'o1', payment_token: '[redacted]' },
    payment_token: '[redacted]',
    headers: { authorization: '[redacted]' },
    db: { password: '[redacted]' },
  });
});
