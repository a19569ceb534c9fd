/*
 * A ring of bytes between the main loop and an interrupt: one writes, the other reads. The counters
 * run freely; each has one writer, so that no lock is needed on one core.
 */
#ifndef RT_HAL_RP2040_RING_H
#define RT_HAL_RP2040_RING_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *bytes;
  uint32_t mask;              /* size - 1; the size is a power of two */
  volatile uint32_t written;  /* moved by who writes */
  volatile uint32_t consumed; /* moved by who reads */
} rt_rp2040_ring_t;

static inline void rt_rp2040_ring_init(rt_rp2040_ring_t *ring, uint8_t *bytes, uint32_t size) {
  ring->bytes = bytes;
  ring->mask = size - 1;
  ring->written = 0;
  ring->consumed = 0;
}

static inline uint32_t rt_rp2040_ring_count(const rt_rp2040_ring_t *ring) {
  return ring->written - ring->consumed;
}

static inline uint32_t rt_rp2040_ring_room(const rt_rp2040_ring_t *ring) {
  return ring->mask + 1 - rt_rp2040_ring_count(ring);
}

/* Takes up to `capacity` bytes out; returns how many. */
size_t rt_rp2040_ring_read(rt_rp2040_ring_t *ring, uint8_t *to, size_t capacity);
/* Puts up to `size` bytes in; returns how many fit. */
size_t rt_rp2040_ring_write(rt_rp2040_ring_t *ring, const uint8_t *from, size_t size);

#endif
