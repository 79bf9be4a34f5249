import { setTimeout as sleep } from 'node:timers/promises';
import type { Supervised } from './supervised';

/** So many ends of a process while it is waited for, and the waiting is given up. */
const hopeless = 5;

/** Resolves when the URL answers 200. Rejects when the process keeps ending instead, or the signal is aborted. */
export async function untilReady(name: string, url: string, process: Supervised, signal: AbortSignal): Promise<void> {
  const before = process.failures;
  while (!(await isOk(url))) {
    signal.throwIfAborted();
    if (process.failures - before >= hopeless) throw new Error(`${name} does not stay up; its log tells why.`);
    await sleep(100);
  }
}

/** Whether the URL answers 200. */
export async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // nobody listens yet
  }
}
