import tseslint from 'typescript-eslint';

export default tseslint.config(
  // src/ is DeviceScript: its own compiler checks it. The rest is generated or foreign.
  { ignores: ['node_modules', 'build', '.devicescript', '.retune', 'src', 'test/*/programs'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'off',
      'max-lines': ['warn', { max: 600, skipBlankLines: true, skipComments: true }],
    },
  },
);
