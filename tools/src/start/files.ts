import { renameSync, writeFileSync } from 'node:fs';

/** Writes JSON that only the owner may read. Whoever reads the file sees the old content or the new, never a part. */
export function writePrivately(file: string, content: object): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
}
