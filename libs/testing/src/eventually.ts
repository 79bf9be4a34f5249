/** Turns of the event loop after which a condition is waited for with some patience: then it hangs on another process. */
const TURNS = 1_000;
const PATIENCE_MS = 10;

/** Resolves once the condition holds; it is asked again and again, in between others have the processor. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await condition()); turn++)
    await new Promise<void>((resolve) => {
      if (turn < TURNS) setImmediate(resolve);
      else setTimeout(resolve, PATIENCE_MS);
    });
}
