import { PassThrough } from 'node:stream';
import { Logs } from './logs';

function written(isTTY: boolean): string {
  const out = Object.assign(new PassThrough(), { isTTY });
  const logs = new Logs(out, 9);
  logs.of('payment')('one');
  logs.of('order-api')('two');
  return String(out.read());
}

test('names are aligned, and coloured only on a terminal', () => {
  expect(written(false)).toBe('payment   | one\norder-api | two\n');
  expect(written(true)).toBe('\u001b[36mpayment  \u001b[0m | one\n\u001b[32morder-api\u001b[0m | two\n');
});
