// Formats every C file of native/ and test/native/ with npm's clang-format, or with --check reports
// those that differ. One process for all files: starting one for each is what takes the time.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import process from 'node:process';

const check = process.argv.includes('--check');
const files = execFileSync(
  'git',
  [
    'ls-files',
    '-co',
    '--exclude-standard',
    'native',
    'test/fuzz/native',
    'test/native',
    'test/power',
    'test/services',
  ],
  {
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => /\.[ch]$/.test(file) && !/tables_/.test(file));

const binary = createRequire(import.meta.url).resolve('clang-format/index.js');
const flags = check ? ['--dry-run', '--Werror'] : ['-i'];
const result = spawnSync(process.execPath, [binary, '--style=file', ...flags, ...files], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
