import { Simulation, type Result } from '../simulation';
import type { Workspace } from '../workspace';
import type { Bug } from './bug';

/** The first seed, from 1 on, that notices the bug; undefined when none does within the number that the bug states. */
export async function notice(workspace: Workspace, { parts, within, profile }: Bug): Promise<Result | undefined> {
  for (let seed = 1; seed <= within; seed++) {
    const result = await new Simulation({ seed, workspace, parts, profile }).run();
    if (result.violation !== undefined) return result;
  }
  return undefined;
}
