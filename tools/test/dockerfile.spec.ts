import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { broken, rules } from './compose/dockerfile';
import { root } from './compose/file';

const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const lines = dockerfile.split('\n');
const lineOf = (word: string) => lines.findLast((line) => line.startsWith(`${word} `))!;

test('the Dockerfile is as it should be', () => {
  expect(broken(dockerfile)).toEqual([]);
});

/** Mistakes, each with the rule that must find it, what stands there now and what instead. */
const planted: Record<string, [string, string, string]> = {
  'another Node to build with': ['Node 24 builds and runs', 'node:24-bookworm-slim AS build', 'node:22 AS build'],
  'another Node to install with': ['Node 24 builds and runs', 'node:24-bookworm-slim AS prod', 'node:latest AS prod'],
  "another image's Node to run on": [
    'Node 24 builds and runs',
    '--from=build /usr/local/bin/node',
    '--from=node:22 /usr/local/bin/node',
  ],
  'Node of the distribution': [
    'Node 24 builds and runs',
    'COPY --from=build /usr/local/bin/node /usr/local/bin/',
    'RUN apt-get install nodejs',
  ],
  'nobody in particular runs it': ['is not run by root', lineOf('USER'), ''],
  'root runs it by name': ['is not run by root', lineOf('USER'), 'USER root'],
  'root runs it by number': ['is not run by root', lineOf('USER'), 'USER 0:0'],
  'root runs it in the end': ['is not run by root', lineOf('USER'), `${lineOf('USER')}\nUSER root`],
  'no health check': ['asks whether it is ready', lineOf('HEALTHCHECK'), ''],
  'a health check that is taken away': ['asks whether it is ready', lineOf('HEALTHCHECK'), 'HEALTHCHECK NONE'],
  'a health check that asks nothing': ['asks whether it is ready', '"node", "/app/ready.cjs"', '"true"'],
  'all dependencies are installed': ['holds the dependencies of production only', ' --omit=dev', ''],
  'the packages of the build': [
    'holds the dependencies of production only',
    '--from=production /app/node_modules',
    '--from=build /app/node_modules',
  ],
  'what the image itself installs': [
    'holds the dependencies of production only',
    lineOf('USER'),
    `RUN npm install express\n${lineOf('USER')}`,
  ],
  'a shell that keeps the signal': [
    'is told to end itself, not a shell before it',
    lineOf('CMD'),
    'CMD node dist/main.js',
  ],
};

test.each(Object.entries(planted))('finds %s', (_, [rule, right, wrong]) => {
  expect(dockerfile).toContain(right);
  expect(broken(dockerfile.replace(right, wrong))).toEqual([rule]);
});

test('every rule has a mistake that it finds', () => {
  expect(new Set(Object.values(planted).map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)));
});
