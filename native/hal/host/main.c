/*
 * retune-host [options] IMAGE: runs a program and prints its console, each line with its level.
 *
 *   --end           prints how it ended as a last line: `= restart`, `= panic 60005`, …
 *   --heap BYTES    size of the script's heap (65536)
 *   --limit MS      virtual time after which it is cut off (60000)
 *   --seed N        of the random numbers
 *   --fail-at N     the Nth allocation finds no memory
 *   --coverage FILE counts of opcodes and natives; only in builds with RT_VM_TRACE
 *
 * Exit code: 0 when the program ended or restarted, 1 after a panic, 2 when there is no such
 * program or it was refused, 3 at the time limit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/host/host.h"
#include "hal/host/trace.h"

typedef struct {
  const char *image, *coverage;
  uint32_t heap_bytes, limit_ms, seed, fail_at;
  uint32_t prints_end;
} options_t;

static void print_line(char level, const char *text, size_t bytes) {
  printf("%c %.*s\n", level, (int)bytes, text);
}

static uint32_t *number_option(options_t *options, const char *name) {
  if (strcmp(name, "--heap") == 0) return &options->heap_bytes;
  if (strcmp(name, "--limit") == 0) return &options->limit_ms;
  if (strcmp(name, "--seed") == 0) return &options->seed;
  if (strcmp(name, "--fail-at") == 0) return &options->fail_at;
  return NULL;
}

/* 0 on success. */
static int parse_options(options_t *options, int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    uint32_t *number = number_option(options, arguments[i]);
    if (number != NULL && i + 1 < count) {
      *number = (uint32_t)strtoul(arguments[++i], NULL, 10);
    } else if (strcmp(arguments[i], "--end") == 0) {
      options->prints_end = 1;
    } else if (strcmp(arguments[i], "--coverage") == 0 && i + 1 < count) {
      options->coverage = arguments[++i];
    } else if (arguments[i][0] != '-' && options->image == NULL) {
      options->image = arguments[i];
    } else {
      return -1;
    }
  }
  return options->image == NULL ? -1 : 0;
}

/* The whole file in memory of exactly its size; NULL when it cannot be read. */
static uint8_t *read_file(const char *name, size_t *bytes) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) return NULL;
  uint8_t *data = NULL;
  if (fseek(file, 0, SEEK_END) == 0) {
    const long size = ftell(file);
    rewind(file);
    data = size > 0 ? malloc((size_t)size) : NULL;
    if (data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size) {
      *bytes = (size_t)size;
    } else {
      free(data);
      data = NULL;
    }
  }
  fclose(file);
  return data;
}

static void print_end(rt_host_end_t end, uint32_t panic) {
  static const char *const NAMES[] = {"refused", "ended",   "restart", "reboot",
                                      "panic",   "waiting", "reset"};
  printf("= %s", NAMES[end]);
  if (end == RT_HOST_PANIC) printf(" %u", panic);
  printf("\n");
}

static int exit_code(rt_host_end_t end) {
  switch (end) {
    case RT_HOST_PANIC:
      return 1;
    case RT_HOST_REFUSED:
      return 2;
    case RT_HOST_WAITING:
      return 3;
    default:
      return 0;
  }
}

static int write_coverage(const char *name) {
  FILE *file = fopen(name, "w");
  if (file == NULL) return -1;
  const int result = rt_trace_write(file);
  return fclose(file) == 0 ? result : -1;
}

int main(int count, char **arguments) {
  options_t options = {.heap_bytes = 65536, .limit_ms = 60000, .seed = 1};
  if (parse_options(&options, count, arguments) != 0) {
    fprintf(stderr, "usage: retune-host [options] IMAGE\n");
    return 2;
  }
  rt_host_run_t run = {
      .heap_bytes = options.heap_bytes & ~7u,
      .seed = options.seed,
      .limit_us = 1000u * (uint64_t)options.limit_ms,
      .fail_at = options.fail_at,
      .console = print_line,
  };
  uint8_t *image = read_file(options.image, &run.image_bytes);
  /* A program of the computer, for tests: the sanitizer watches both ends of what malloc gives. */
  run.heap = malloc(run.heap_bytes);
  if (image == NULL || run.heap == NULL) {
    fprintf(stderr, "%s: cannot be read\n", options.image);
    return 2;
  }
  run.image = image;
  uint32_t panic;
  const rt_host_end_t end = rt_host_run(&run, &panic);
  if (options.prints_end) print_end(end, panic);
  if (options.coverage != NULL && write_coverage(options.coverage) != 0) return 2;
  free(image);
  free(run.heap);
  return exit_code(end);
}
