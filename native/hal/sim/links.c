/* Two links to the computer, each a ring of bytes in either direction; and the console, whole. */
#include "bus/bus.h"
#include "hal/sim/state.h"

/* Powers of two. What a script prints between two polls must fit: the host empties it only then. */
#define IN_BYTES 16384u
#define OUT_BYTES (1024u * 1024u)

typedef struct {
  uint32_t open;
  uint32_t in_written, in_read, out_written, out_read;
  uint8_t in[IN_BYTES], out[OUT_BYTES];
} sim_link_t;

static sim_link_t links[RT_HAL_LINKS + 1];

/* The link shows what the bus has room for; here is every line, as "<level> <text>". */
static void take_line(char level, const char *text, size_t bytes) {
  const uint8_t head[2] = {(uint8_t)level, ' '};
  rt_hal_link_write(RT_SIM_CONSOLE, head, sizeof head);
  rt_hal_link_write(RT_SIM_CONSOLE, (const uint8_t *)text, bytes);
  rt_hal_link_write(RT_SIM_CONSOLE, (const uint8_t *)"\n", 1);
}

void rt_sim_link_power_on(void) {
  rt_bus_tap_log(take_line);
  for (uint32_t i = 0; i < RT_HAL_LINKS + 1; i++) {
    sim_link_t *link = &links[i];
    link->open = 0;
    link->in_written = link->in_read = link->out_written = link->out_read = 0;
  }
}

uint32_t rt_hal_link_is_open(rt_hal_link_t link) { return links[link].open; }

size_t rt_hal_link_read(rt_hal_link_t which, uint8_t *bytes, size_t capacity) {
  sim_link_t *link = &links[which];
  size_t count = 0;
  while (count < capacity && link->in_read != link->in_written) {
    bytes[count++] = link->in[link->in_read++ % IN_BYTES];
  }
  return count;
}

size_t rt_hal_link_write(rt_hal_link_t which, const uint8_t *bytes, size_t size) {
  sim_link_t *link = &links[which];
  size_t count = 0;
  while (count < size && link->out_written - link->out_read < OUT_BYTES) {
    link->out[link->out_written++ % OUT_BYTES] = bytes[count++];
  }
  return count;
}

void rt_sim_link_open(rt_hal_link_t link, uint32_t open) { links[link].open = open; }

uint32_t rt_sim_link_receive(rt_hal_link_t which, const uint8_t *bytes, uint32_t size) {
  sim_link_t *link = &links[which];
  uint32_t count = 0;
  while (count < size && link->in_written - link->in_read < IN_BYTES) {
    link->in[link->in_written++ % IN_BYTES] = bytes[count++];
  }
  return count;
}

uint32_t rt_sim_link_take(rt_hal_link_t which, uint8_t *bytes, uint32_t capacity) {
  sim_link_t *link = &links[which];
  uint32_t count = 0;
  while (count < capacity && link->out_read != link->out_written) {
    bytes[count++] = link->out[link->out_read++ % OUT_BYTES];
  }
  return count;
}

uint32_t rt_sim_link_pending(rt_hal_link_t which) {
  return links[which].out_written - links[which].out_read;
}
