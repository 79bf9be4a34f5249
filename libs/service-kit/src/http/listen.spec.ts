import { listen } from './listen';

const app = () => undefined;

test('a port that cannot be had is named with the reason and the way out', async () => {
  const first = await listen(app, '127.0.0.1', 0, 'PORT');
  const taken = `Port ${first.port} on 127.0.0.1 is in use; end what uses it, or set OPERATOR_PORT to another one.`;
  await expect(listen(app, '127.0.0.1', first.port, 'OPERATOR_PORT')).rejects.toThrow(taken);
  await first.close(0);
  // An address for documentation, which is no machine's own.
  await expect(listen(app, '192.0.2.1', 0, 'PORT')).rejects.toThrow(
    /^Cannot listen on port 0 of 192\.0\.2\.1 \(.*EADDRNOTAVAIL.*\); check HOST and PORT\.$/,
  );
});
