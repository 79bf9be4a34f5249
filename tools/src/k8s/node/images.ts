import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { output } from '../../compose/command';
import { pathOf } from './programs';

/** What a node runs in pods of its own: its DNS, and what holds a pod's namespaces open. */
export const images = { pause: 'order-events-node/pause:1', dns: 'order-events-node/coredns:1' };

/** @param env by which docker finds its engine, which has the Debian that they stand on */
export async function buildImages(env: NodeJS.ProcessEnv): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'order-events-node-'));
  try {
    const build = async (image: string, ...lines: string[]) => {
      writeFileSync(join(context, 'Dockerfile'), ['FROM debian:bookworm-slim', ...lines, ''].join('\n'));
      await output('docker', ['build', '--quiet', '--tag', image, context], env);
    };
    await build(images.pause, 'ENTRYPOINT ["sleep", "infinity"]');
    copyFileSync(pathOf('coredns'), join(context, 'coredns'));
    await build(images.dns, 'COPY coredns /', 'ENTRYPOINT ["/coredns"]');
  } finally {
    rmSync(context, { recursive: true });
  }
}
