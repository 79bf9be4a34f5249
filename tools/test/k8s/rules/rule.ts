import {
  type Container,
  containersOf,
  type Manifest,
  titleOf,
  type Workload,
  workloads,
} from '../../../src/k8s/manifests';

/** Something that holds for all that is deployed. */
export interface Rule {
  name: string;
  /** What breaks it, one sentence each; nothing when it holds. */
  faults(manifests: readonly Manifest[]): string[];
}

/** Asks something of every workload; a name of what is wrong is put behind the workload's. */
export const ofWorkloads =
  (check: (workload: Workload) => (string | false | undefined)[]) =>
  (manifests: readonly Manifest[]): string[] =>
    workloads(manifests).flatMap((workload) => told(titleOf(workload), check(workload)));

/** Asks something of every container, those that come before the others too. */
export const ofContainers = (check: (container: Container, workload: Workload) => (string | false | undefined)[]) =>
  ofWorkloads((workload) =>
    containersOf(workload).flatMap((container) => told(container.name, check(container, workload))),
  );

export const told = (who: string, faults: readonly (string | false | undefined)[]) =>
  faults.filter((fault) => fault !== false && fault !== undefined).map((fault) => `${who}: ${fault}`);
