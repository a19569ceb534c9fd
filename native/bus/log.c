#include "bus/internal.h"

/* The last RT_BUS_LOG_BYTES bytes of log; positions count all bytes ever written. */
static struct {
  char ring[RT_BUS_LOG_BYTES];
  uint32_t end;   /* position after the newest byte */
  uint32_t begin; /* position of the oldest whole line */
} log_state;

/* Longest line kept; more is cut off. */
#define LINE_BYTES (RT_BUS_LOG_BYTES / 2u)

void rt_log_init(void) { log_state.begin = log_state.end = 0; }

static char at(uint32_t position) { return log_state.ring[position % RT_BUS_LOG_BYTES]; }

/* Makes room by dropping the oldest lines whole. */
static void drop_lines(uint32_t bytes) {
  while (log_state.end + bytes - log_state.begin > RT_BUS_LOG_BYTES) {
    while (at(log_state.begin) != '\n') log_state.begin++;
    log_state.begin++;
  }
}

static void put(char byte) {
  log_state.ring[log_state.end % RT_BUS_LOG_BYTES] = byte;
  log_state.end++;
}

static rt_bus_tap_t log_tap;

void rt_bus_tap_log(rt_bus_tap_t tap) { log_tap = tap; }

static void put_line(char level, const char *text, size_t bytes) {
  if (log_tap != NULL) log_tap(level, text, bytes);
  if (bytes > LINE_BYTES) bytes = LINE_BYTES;
  drop_lines((uint32_t)bytes + 3u);
  put(level);
  put(' ');
  for (size_t i = 0; i < bytes; i++) put(text[i]);
  put('\n');
}

void rt_bus_log(char level, const char *text, size_t bytes) {
  /* A message of several lines is as many lines of log, each with its level. */
  size_t begin = 0;
  for (size_t i = 0; i < bytes; i++) {
    if (text[i] != '\n') continue;
    put_line(level, text + begin, i - begin);
    begin = i + 1;
  }
  if (begin < bytes || bytes == 0) put_line(level, text + begin, bytes - begin);
}

uint32_t rt_log_unread(uint32_t from) {
  const uint32_t kept = log_state.end - log_state.begin;
  return log_state.end - from > kept ? kept : log_state.end - from;
}

size_t rt_log_read(uint32_t *from, uint8_t *bytes, size_t capacity) {
  /* Unsigned distances: positions may wrap around. */
  if (log_state.end - *from > log_state.end - log_state.begin) *from = log_state.begin;
  size_t count = 0;
  while (count < capacity && *from != log_state.end) {
    bytes[count++] = (uint8_t)at(*from);
    (*from)++;
  }
  return count;
}
