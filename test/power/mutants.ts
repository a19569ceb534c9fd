/**
 * Faults put into a copy of the store, to see that the harness finds them. Each change is a text that
 * the file has exactly once; when the store no longer has it, building the mutant fails.
 */
import { buildHarness, runHarness } from './build.ts';

/** `find` stands in the file exactly once. */
export interface Change {
  file: string;
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  /** What is wrong with it. */
  fault: string;
  changes: Change[];
  /** What cuts cannot show: the part of the harness that does. */
  shownBy?: 'stuck' | 'wear';
}

export interface Found {
  mutant: Mutant;
  /** The harness's run, without building it. */
  seconds: number;
  /** The first failure; undefined when there was none. */
  sign?: string;
}

const LOG = 'native/store/log.c';
const SPACE = 'native/store/space.c';
const STORE = 'native/store/store.c';

export const MUTANTS: Mutant[] = [
  {
    name: 'no commit marker',
    fault: 'no commit marker: an entry counts when its CRC is right',
    changes: [
      {
        file: LOG,
        find: 'return wrong <= 1 ? SLOT_COMMITTED : SLOT_PENDING;',
        replace: 'return SLOT_COMMITTED;',
      },
    ],
  },
  {
    name: 'no crc',
    fault: 'no CRC: entries and payloads are believed',
    changes: [
      {
        file: LOG,
        find: 'const uint32_t crc = rt_store_crc32(seed, slot, RT_STORE_CHECKED_BYTES);\n  if (crc == slot->crc) {',
        replace: 'const uint32_t crc = slot->crc;\n  if (!is_blank(slot, sizeof *slot)) {',
      },
      {
        file: STORE,
        find: 'return rt_store_crc32(0, *data, *bytes) == entry->body.extent.crc ? RT_OK',
        replace: 'return 1 ? RT_OK',
      },
    ],
  },
  {
    name: 'erases first',
    fault:
      'erases first: the new version takes the place of the one it replaces as the second newest',
    changes: [
      {
        file: SPACE,
        find: 'rt_status_t status = RT_ERROR_FULL;\n  find_used(used, 0);',
        replace: 'rt_status_t status = RT_ERROR_FULL;\n  find_used(used, victim);',
      },
      {
        file: SPACE,
        find: 'write_content(content, victim, LEAST_WORN, &start);',
        replace: 'write_content(content, victim, MOST_WORN, &start);',
      },
    ],
  },
  {
    name: 'marker first',
    fault: 'the marker is programmed before the entry',
    changes: [
      {
        file: LOG,
        find: 'rt_status_t status = program(sector, slot, 0, entry, MARKER_AT);\n  if (status != RT_OK) return status;\n  status = commit(',
        replace:
          'rt_status_t status = commit(sector, slot, entry->crc);\n  if (status != RT_OK) return status;\n  status = program(sector, slot, 0, entry, MARKER_AT);\n  if (status == RT_OK) status = commit(',
      },
    ],
  },
  {
    name: 'header first',
    fault: 'the header of a new log sector is committed before its entries are copied',
    changes: [
      {
        file: LOG,
        find: '  write_wear(&writer);\n  write_live(&writer);',
        replace:
          '  writer.status = write_header(&writer);\n  write_wear(&writer);\n  write_live(&writer);',
      },
    ],
  },
  {
    name: 'nothing settled',
    fault: 'a mount does not settle what a cut left between 0 and 1',
    changes: [
      {
        file: LOG,
        find: 'if (state == SLOT_BLANK || (state != SLOT_PENDING && found->seal != 0xff)) return;',
        replace: 'if (state != SLOT_GARBAGE + 100) return;',
      },
    ],
  },
  {
    name: 'suspect slot used',
    fault: 'the first entry after a mount goes where a cut may have left half an entry',
    changes: [{ file: LOG, find: 'rt_store.is_suspect = 1;', replace: 'rt_store.is_suspect = 0;' }],
  },
  {
    name: 'not read back',
    shownBy: 'stuck',
    fault: 'what was programmed is not read back',
    changes: [
      {
        file: SPACE,
        find: 'return __builtin_memcmp(rt_store_flash(offset), page, PAGE) == 0 ? RT_OK : RT_ERROR_STATE;',
        replace: 'return RT_OK;',
      },
    ],
  },
  {
    name: 'no wear levelling',
    shownBy: 'wear',
    fault: 'no wear levelling: the first free sector is taken',
    changes: [
      {
        file: SPACE,
        find: 'if (found != RT_STORE_NO_SECTOR && !is_better) continue;',
        replace: 'if (found != RT_STORE_NO_SECTOR && (is_better || !is_better)) continue;',
      },
    ],
  },
  {
    name: 'a version too few',
    fault: 'the second newest version is not kept',
    changes: [
      {
        file: LOG,
        find: 'if (count > RT_STORE_VERSIONS) clear_bit',
        replace: 'if (count > 1) clear_bit',
      },
    ],
  },
];

const PARTS = {
  cuts: ['--repeats', '2', '--second-stride', '10', '--flips', '300'],
  stuck: ['--no-cuts', '--stuck', '100'],
  wear: ['--no-scripts', '--wear', '3000'],
};

/** Builds the mutant and runs the harness until the first failure. */
export async function tryMutant(mutant: Mutant, seed: number): Promise<Found> {
  const program = await buildHarness({ mutant });
  const part = PARTS[mutant.shownBy ?? 'cuts'];
  const args = ['--seed', String(seed), ...part, '--stop', '--failures', '1'];
  const run = await runHarness(program, args);
  const sign = run.failures[0]?.replace(/^failure: /, '');
  return { mutant, seconds: run.seconds, sign: run.status === 0 ? undefined : sign };
}

/** Short enough for a table: what failed, and after how many cuts. */
export function shortSign(sign: string): string {
  const [what = '', ...where] = sign.split('; ');
  const cuts = where.filter((text) => text.startsWith('cut ')).length;
  const after = ['', ', after a cut', ', after two cuts', ', after three cuts'][cuts] ?? '';
  return `${what}${after}`;
}
