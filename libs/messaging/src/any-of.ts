/** True as soon as one says so. @throws what the first has in the way, when none says so and not all have answered */
export async function anyOf(answers: readonly Promise<boolean>[]): Promise<boolean> {
  const yes = Promise.any(answers.map(async (answer) => (await answer) || Promise.reject(new Error('no'))));
  if (await yes.catch(() => false)) return true;
  await Promise.all(answers);
  return false;
}
