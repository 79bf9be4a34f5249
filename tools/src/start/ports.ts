import { checkPort } from '@order-events/testing';
import type { Instance } from './services';

/** Beside the usual one, and below the range from which systems give ports to outgoing connections. */
export const defaultPostgresPort = 5431;

/** Rejects with one error that names every port that cannot be had, for whom it is, and the way out. */
export async function checkPorts(instances: readonly Instance[], postgresPort: number): Promise<void> {
  const wanted = [
    { port: postgresPort, owner: 'Postgres' },
    ...instances.flatMap(({ name, ports }) =>
      Object.entries(ports).map(([variable, port]) => ({ port, owner: `${name} (${variable})` })),
    ),
  ];
  const problems = await Promise.all(
    wanted.map(({ port, owner }) =>
      checkPort(port).then(
        () => [],
        (error: NodeJS.ErrnoException) => [
          error.code === 'EADDRINUSE'
            ? `Port ${port}, for ${owner}, is in use by another program.`
            : `Port ${port}, for ${owner}, cannot be used: ${error.message}`,
        ],
      ),
    ),
  );
  if (problems.flat().length === 0) return;
  throw new Error(
    `${problems.flat().join('\n')}\nEnd what uses it, or set PORT_OFFSET: the number is added to every port, ` +
      'for instance PORT_OFFSET=1000 (and DATA_DIR to another folder, to run two systems side by side).',
  );
}
