/** Faults of one broker that take long, such as claims that run out, are tested when it is asked for. */
const asked = process.env.BROKER_FAULTS ? [] : ['\\.faults\\.spec\\.ts$'];

/** One run for the whole workspace: sources are resolved directly, nothing has to be built first. */
module.exports = {
  testMatch: ['<rootDir>/{apps,libs,tools}/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...asked],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.data/', '<rootDir>/.cache/'],
  // Most tests wait for others most of the time: brokers, leases, processes.
  maxWorkers: '100%',
  // Generous: a slow machine must not break a test that would pass.
  testTimeout: 600_000,
  globalSetup: '<rootDir>/libs/testing/src/postgres/jest-setup.ts',
  globalTeardown: '<rootDir>/libs/testing/src/postgres/jest-teardown.ts',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'commonjs', ignoreDynamic: true },
        sourceMaps: 'inline',
      },
    ],
  },
  testEnvironmentOptions: {
    customExportConditions: ['@order-events/source', 'node', 'node-addons', 'require', 'default'],
  },
  coverageProvider: 'v8',
  collectCoverageFrom: ['libs/**/src/**/*.ts', '!**/index.ts', '!**/*.spec.ts'],
  coverageReporters: ['text-summary', 'json-summary'],
};
