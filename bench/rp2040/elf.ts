export * from '../../compiler/elf.ts';
