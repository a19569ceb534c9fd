/*
 * The two links of hal.h, and the rings that both use.
 */
#include "hal/hal.h"
#include "hal/rp2040/ring.h"
#include "hal/rp2040/rp2040.h"

size_t rt_rp2040_ring_read(rt_rp2040_ring_t *ring, uint8_t *to, size_t capacity) {
  uint32_t count = rt_rp2040_ring_count(ring);
  if (count > capacity) count = (uint32_t)capacity;
  const uint32_t from = ring->consumed;
  for (uint32_t i = 0; i < count; i++) to[i] = ring->bytes[(from + i) & ring->mask];
  ring->consumed = from + count;
  return count;
}

size_t rt_rp2040_ring_write(rt_rp2040_ring_t *ring, const uint8_t *from, size_t size) {
  uint32_t count = rt_rp2040_ring_room(ring);
  if (count > size) count = (uint32_t)size;
  const uint32_t to = ring->written;
  for (uint32_t i = 0; i < count; i++) ring->bytes[(to + i) & ring->mask] = from[i];
  ring->written = to + count;
  return count;
}

uint32_t rt_hal_link_is_open(rt_hal_link_t link) {
  return link == RT_HAL_LINK_USB ? rt_rp2040_usb_is_open() : 1;
}

size_t rt_hal_link_read(rt_hal_link_t link, uint8_t *bytes, size_t capacity) {
  if (link == RT_HAL_LINK_USB) return rt_rp2040_usb_read(bytes, capacity);
  return rt_rp2040_uart_read(bytes, capacity);
}

size_t rt_hal_link_write(rt_hal_link_t link, const uint8_t *bytes, size_t size) {
  if (link == RT_HAL_LINK_USB) return rt_rp2040_usb_write(bytes, size);
  return rt_rp2040_uart_write(bytes, size);
}
