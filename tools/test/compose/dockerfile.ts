/** A stage of a Dockerfile: what it is built from, and its instructions. */
export interface Stage {
  from: string;
  name?: string;
  instructions: readonly string[];
}

/** Its stages, each instruction on one line. What comes before the first FROM is left out. */
export function stagesOf(dockerfile: string): Stage[] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim());
  const stages: (Stage & { instructions: string[] })[] = [];
  for (const line of lines.filter(Boolean)) {
    const [, from, name] = /^FROM\s+(\S+)(?:\s+AS\s+(\S+))?$/i.exec(line) ?? [];
    if (from !== undefined) stages.push({ from, name, instructions: [] });
    else stages.at(-1)?.instructions.push(line);
  }
  return stages;
}

const node = /^node:24(\.\d+)*-/;

/** A stage by its name, or an image of somebody else's. */
const takenFrom = (stages: readonly Stage[], name: string): Stage =>
  stages.find((stage) => stage.name === name) ?? { from: name, instructions: [] };

/** What a stage copies from others: where from, and which paths. */
const copies = (stages: readonly Stage[], { instructions }: Stage) =>
  instructions.flatMap((instruction) => {
    const [, name, paths] = /^COPY\s+(?:--\S+\s+)*?--from=(\S+)\s+(?:--\S+\s+)*(.+)$/i.exec(instruction) ?? [];
    return name === undefined ? [] : [{ stage: takenFrom(stages, name), paths: paths!.split(/\s+/).slice(0, -1) }];
  });

const installs = ({ instructions }: Stage) =>
  instructions.flatMap((instruction) => instruction.match(/\bnpm (?:ci|i|install)\b[^&|;]*/g) ?? []);

/** Whether it installs, and never what is for development. */
const isProduction = (stage: Stage) =>
  installs(stage).length > 0 && installs(stage).every((command) => command.includes('--omit=dev'));

const last = (stages: readonly Stage[]) => stages.at(-1)!;
const lastOf = (stage: Stage, word: string) => stage.instructions.findLast((line) => line.startsWith(`${word} `));

/** What holds for the image of every app. */
export const rules: Readonly<Record<string, (stages: readonly Stage[]) => boolean>> = {
  'Node 24 builds and runs': (stages) =>
    stages.slice(0, -1).every(({ from }) => node.test(from)) &&
    (node.test(last(stages).from) ||
      copies(stages, last(stages)).some(
        ({ stage, paths }) => node.test(stage.from) && paths.includes('/usr/local/bin/node'),
      )),
  // By number, so that Kubernetes can tell that it is not root.
  'is not run by root': (stages) => /^USER [1-9]\d*(:[1-9]\d*)?$/.test(lastOf(last(stages), 'USER') ?? ''),
  'asks whether it is ready': (stages) =>
    /^HEALTHCHECK .*CMD \["node", ?"\/app\/ready\.cjs"\]$/.test(lastOf(last(stages), 'HEALTHCHECK') ?? ''),
  'holds the dependencies of production only': (stages) => {
    const taken = copies(stages, last(stages)).filter(({ paths }) => paths.some((path) => !path.startsWith('/usr/')));
    return taken.length > 0 && taken.every(({ stage }) => isProduction(stage)) && installs(last(stages)).length === 0;
  },
  'is told to end itself, not a shell before it': (stages) => /^CMD \["node",/.test(lastOf(last(stages), 'CMD') ?? ''),
};

/** The rules that a Dockerfile breaks. */
export const broken = (dockerfile: string): string[] => {
  const stages = stagesOf(dockerfile);
  return Object.entries(rules).flatMap(([name, holds]) => (holds(stages) ? [] : [name]));
};
