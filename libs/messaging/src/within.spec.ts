import { LateError, within } from './within';

test('an answer is handed on, and a failure, too', async () => {
  await expect(within('them', 60_000, Promise.resolve(7))).resolves.toBe(7);
  await expect(within('them', 60_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
});

test('no answer in time is an error that says whose', async () => {
  const late = within('them', 1, new Promise<never>(() => {}));
  await expect(late).rejects.toThrow(new LateError('no answer from them within 1 ms'));
});
