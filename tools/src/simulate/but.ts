/** The same object but for some methods. */
export function but<T extends object>(original: T, changed: Partial<T>): T {
  return Object.assign(Object.create(original) as T, changed);
}
