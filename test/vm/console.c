/* Keeps what a program prints on the emulated chip, for test/vm/rp2040.ts to read. */
#include "bus/bus.h"

#define CONSOLE_BYTES 32768u

char console_text[CONSOLE_BYTES];
uint32_t console_bytes;

void console_open(void);

static void put(char byte) {
  if (console_bytes < CONSOLE_BYTES) console_text[console_bytes++] = byte;
}

static void keep_line(char level, const char *text, size_t bytes) {
  put(level);
  put(' ');
  for (size_t i = 0; i < bytes; i++) put(text[i]);
  put('\n');
}

void console_open(void) {
  console_bytes = 0;
  rt_bus_tap_log(keep_line);
}
