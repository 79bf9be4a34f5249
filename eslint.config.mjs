import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const apps = ['order-api', 'inventory', 'payment', 'logistics', 'email', 'sandbox', 'setup', 'cli'];

/** Who may import whom. An app never imports another; nothing stands on an app; contracts stand on nothing. */
const depConstraints = [
  ...apps.map((scope) => ({ sourceTag: `scope:${scope}`, onlyDependOnLibsWithTags: ['scope:shared'] })),
  { sourceTag: 'scope:shared', onlyDependOnLibsWithTags: ['scope:shared'] },
  { sourceTag: 'scope:tools', onlyDependOnLibsWithTags: ['scope:shared'] },
  // An empty list means none at all. What stands at the bottom names every package that it may use.
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: [], allowedExternalImports: ['zod'] },
  {
    sourceTag: 'type:util',
    onlyDependOnLibsWithTags: ['type:contract'],
    allowedExternalImports: ['uuidv7', 'snappy', 'protobufjs'],
  },
  { sourceTag: 'type:adapter', onlyDependOnLibsWithTags: ['type:adapter', 'type:util', 'type:contract'] },
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:adapter', 'type:util', 'type:contract'] },
  { sourceTag: 'type:test', onlyDependOnLibsWithTags: ['type:test', 'type:adapter', 'type:util', 'type:contract'] },
];

const boundaries = (constraints) => ({
  '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, depConstraints: constraints }],
});

/** What decides must be a function of its arguments: the same on Postgres, in a test and in a simulation. */
const pure = {
  'no-restricted-imports': [
    'error',
    {
      patterns: [
        {
          regex: '^(?!@order-events/(contracts|messaging)$|\\./)',
          message: 'A domain imports contracts, messaging and its own folder.',
        },
        {
          regex: '^@order-events/messaging$',
          importNamePattern:
            '^(?!DeadLetterError$)[a-z]|^(?!DeadLetterError$).*(Runner|Relay|Pipeline|Batcher|Worker)$',
          message: 'A domain takes types and DeadLetterError from messaging, no machinery.',
        },
      ],
    },
  ],
  'no-restricted-globals': [
    'error',
    ...['Date', 'setTimeout', 'setInterval', 'setImmediate', 'fetch', 'process', 'performance', 'crypto', 'globalThis'],
  ],
  'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
  'no-restricted-syntax': ['error', { selector: 'ImportExpression', message: 'A domain loads nothing.' }],
};

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.nx/', '.data/', '.cache/', 'coverage/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      ...boundaries(depConstraints),
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Ports are written as methods, and handed on as functions that use no `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      eqeqeq: 'error',
    },
  },
  { files: ['apps/*/src/domain/**/*.ts'], ignores: ['**/*.spec.ts'], rules: pure },
  {
    // Tests bring their own databases, brokers and the sandbox.
    files: ['**/*.spec.ts', '**/test/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.{mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        require: 'readonly',
        setTimeout: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  prettier,
);
