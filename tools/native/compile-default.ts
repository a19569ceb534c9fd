/** Compiles the project's model to build/default/model.c: the tables that the firmware links. */
import { buildProject } from '../../compiler/build.ts';

buildProject('devicescript.json', { outDir: 'build/default', packed: false });
