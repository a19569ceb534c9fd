#include "bus/internal.h"

/*
 * Frames and text on a serial link. 0xfe escapes: fe fc begins a frame, fe fd ends it, fe f8 is the
 * byte 0xfe in it. Between frames is text, one line a message.
 */
#define ESCAPE 0xfeu
#define FRAME_BEGIN 0xfcu
#define FRAME_END 0xfdu
#define LITERAL 0xf8u

/* A full frame, every byte of it escaped, would take twice its bytes; real ones hardly grow. */
#define OUTPUT_BYTES 640u

typedef enum { OUTSIDE = 0, INSIDE = 1 } rt_link_state_t;

typedef struct {
  uint8_t frame[RT_FRAME_MAX_BYTES]; /* being received */
  uint16_t received;
  uint8_t state; /* rt_link_state_t */
  uint8_t was_escape;
  uint8_t is_open;
  uint8_t output[OUTPUT_BYTES]; /* waits to be sent: `output_size` bytes from `output_at` */
  uint16_t output_at, output_size;
  uint32_t log_at;
} rt_link_t;

static struct {
  rt_link_t link[RT_HAL_LINKS];
  rt_link_frame_t on_frame;
  uint8_t has_opened;
  uint8_t open_count;
} links;

void rt_links_init(rt_link_frame_t on_frame) {
  for (uint32_t i = 0; i < RT_HAL_LINKS; i++) {
    rt_link_t *link = &links.link[i];
    link->received = link->output_at = link->output_size = 0;
    link->state = OUTSIDE;
    link->was_escape = link->is_open = 0;
    link->log_at = 0;
  }
  links.on_frame = on_frame;
  links.has_opened = links.open_count = 0;
}

uint32_t rt_links_open(void) { return links.open_count != 0; }

uint32_t rt_links_take_opened(void) {
  const uint32_t has_opened = links.has_opened;
  links.has_opened = 0;
  return has_opened;
}

uint32_t rt_links_have_output(void) {
  for (uint32_t i = 0; i < RT_HAL_LINKS; i++) {
    if (links.link[i].is_open && links.link[i].output_size > 0) return 1;
  }
  return 0;
}

uint32_t rt_bus_log_waiting(void) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < RT_HAL_LINKS; i++) {
    if (!links.link[i].is_open) continue;
    const uint32_t unread = rt_log_unread(links.link[i].log_at);
    if (unread > most) most = unread;
  }
  return most;
}

/* ---- Receiving ---- */

static void begin_frame(rt_link_t *link) {
  link->state = INSIDE;
  link->received = 0;
}

static void end_frame(rt_link_t *link) {
  if (link->state != INSIDE) return;
  link->state = OUTSIDE;
  if (rt_frame_check(link->frame, link->received) == RT_OK) {
    links.on_frame(link->frame, RT_FRAME_HEADER_BYTES + (size_t)link->frame[2]);
  }
}

static void take_frame_byte(rt_link_t *link, uint8_t byte) {
  if (link->state != INSIDE) return; /* text from the computer means nothing to us */
  if (link->received == RT_FRAME_MAX_BYTES) {
    link->state = OUTSIDE;
    return;
  }
  link->frame[link->received++] = byte;
}

static void take_byte(rt_link_t *link, uint8_t byte) {
  if (!link->was_escape) {
    if (byte == ESCAPE) {
      link->was_escape = 1;
    } else {
      take_frame_byte(link, byte);
    }
    return;
  }
  if (byte == ESCAPE) { /* two in a row are nothing; the second may start anew */
    link->state = OUTSIDE;
    return;
  }
  link->was_escape = 0;
  if (byte == FRAME_BEGIN) {
    begin_frame(link);
  } else if (byte == FRAME_END) {
    end_frame(link);
  } else if (byte == LITERAL) {
    take_frame_byte(link, ESCAPE);
  } else {
    link->state = OUTSIDE;
  }
}

static void receive(rt_link_t *link, rt_hal_link_t which) {
  uint8_t bytes[64];
  for (;;) {
    const size_t count = rt_hal_link_read(which, bytes, sizeof bytes);
    for (size_t i = 0; i < count; i++) take_byte(link, bytes[i]);
    if (count < sizeof bytes) return;
  }
}

/* ---- Sending ---- */

static uint32_t output_room(rt_link_t *link) {
  if (link->output_at != 0 && link->output_size != 0) {
    for (uint32_t i = 0; i < link->output_size; i++) {
      link->output[i] = link->output[link->output_at + i];
    }
  }
  link->output_at = 0;
  return OUTPUT_BYTES - link->output_size;
}

static void put(rt_link_t *link, uint8_t byte) { link->output[link->output_size++] = byte; }

static rt_status_t put_frame(rt_link_t *link, const uint8_t *frame, size_t size) {
  size_t need = size + 4;
  for (size_t i = 0; i < size; i++) need += frame[i] == ESCAPE;
  if (need > output_room(link)) return RT_ERROR_FULL;
  put(link, ESCAPE);
  put(link, FRAME_BEGIN);
  for (size_t i = 0; i < size; i++) {
    put(link, frame[i]);
    if (frame[i] == ESCAPE) put(link, LITERAL);
  }
  put(link, ESCAPE);
  put(link, FRAME_END);
  return RT_OK;
}

static void write_out(rt_link_t *link, rt_hal_link_t which) {
  while (link->output_size > 0) {
    const size_t sent = rt_hal_link_write(which, link->output + link->output_at, link->output_size);
    if (sent == 0) return;
    link->output_at = (uint16_t)(link->output_at + sent);
    link->output_size = (uint16_t)(link->output_size - sent);
  }
}

/* Log text goes out when nothing else waits: it must not push out an answer. */
static void send_log(rt_link_t *link, rt_hal_link_t which) {
  while (link->output_size == 0) {
    link->output_at = 0;
    const size_t bytes = rt_log_read(&link->log_at, link->output, OUTPUT_BYTES / 2);
    if (bytes == 0) return;
    link->output_size = (uint16_t)bytes;
    write_out(link, which);
  }
}

rt_status_t rt_links_send(const uint8_t *frame, size_t size) {
  rt_status_t status = RT_ERROR_FULL;
  for (uint32_t i = 0; i < RT_HAL_LINKS; i++) {
    rt_link_t *link = &links.link[i];
    if (!link->is_open) continue;
    rt_status_t put_status = put_frame(link, frame, size);
    if (put_status == RT_ERROR_FULL) { /* perhaps the board has taken some in the meantime */
      write_out(link, (rt_hal_link_t)i);
      put_status = put_frame(link, frame, size);
    }
    if (put_status == RT_OK) status = RT_OK;
  }
  return status;
}

static void follow_state(rt_link_t *link, rt_hal_link_t which) {
  const uint8_t is_open = rt_hal_link_is_open(which) != 0;
  if (is_open == link->is_open) return;
  link->is_open = is_open;
  link->state = OUTSIDE;
  link->was_escape = 0;
  link->output_at = link->output_size = 0;
  links.open_count = (uint8_t)(links.open_count + (is_open ? 1 : -1));
  if (is_open) links.has_opened = 1;
}

void rt_links_poll(void) {
  for (uint32_t i = 0; i < RT_HAL_LINKS; i++) {
    rt_link_t *link = &links.link[i];
    const rt_hal_link_t which = (rt_hal_link_t)i;
    follow_state(link, which);
    if (!link->is_open) continue;
    receive(link, which);
    write_out(link, which);
    send_log(link, which);
  }
}
