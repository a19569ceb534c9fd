/*
 * USB device controller: endpoint 0 (control), endpoint 2 in both directions (data), endpoint 1
 * (CDC notifications, which we never send). Single buffers of 64 bytes. All of it runs in the
 * interrupt; the main loop sees two rings.
 */
#include "hal/hal.h"
#include "hal/rp2040/ring.h"
#include "hal/rp2040/rp2040.h"

/* Layout of the controller's 4 KB of memory. */
#define SETUP_PACKET USB_DPRAM_BASE
#define ENDPOINT_CONTROL(endpoint, is_out) (USB_DPRAM_BASE + 8u * (endpoint) + ((is_out) ? 4u : 0u))
#define BUFFER_CONTROL(endpoint, is_out) \
  (USB_DPRAM_BASE + 0x80u + 8u * (endpoint) + ((is_out) ? 4u : 0u))
#define EP0_BUFFER 0x100u
#define EP1_IN_BUFFER 0x180u
#define EP2_OUT_BUFFER 0x1c0u
#define EP2_IN_BUFFER 0x200u
#define PACKET_BYTES 64u

#define ENDPOINT_ENABLE (1u << 31)
#define ENDPOINT_INTERRUPT (1u << 29)
#define ENDPOINT_BULK (2u << 26)
#define ENDPOINT_INTERRUPT_TYPE (3u << 26)

#define BUFFER_FULL (1u << 15)
#define BUFFER_DATA1 (1u << 13)
#define BUFFER_STALL (1u << 11)
#define BUFFER_AVAILABLE (1u << 10)
#define BUFFER_LENGTH 0x3ffu

/* Bits of BUFF_STATUS: in and out of each endpoint. */
#define DONE_EP0_IN (1u << 0)
#define DONE_EP0_OUT (1u << 1)
#define DONE_EP2_IN (1u << 4)
#define DONE_EP2_OUT (1u << 5)

#define INT_BUFFER (1u << 4)
#define INT_BUS_RESET (1u << 12)
#define INT_SUSPEND (1u << 14)
#define INT_RESUME (1u << 15)
#define INT_SETUP (1u << 16)
#define SIE_SUSPENDED (1u << 4)
#define SIE_RESUME (1u << 11)
#define SIE_SETUP_REC (1u << 17)
#define SIE_BUS_RESET (1u << 19)
#define SIE_CTRL_PULLUP (1u << 16)
#define SIE_CTRL_EP0_INTERRUPTS (1u << 29)

/* Requests, as type in the upper byte and number in the lower. */
#define GET_STATUS_DEVICE 0x8000u
#define GET_STATUS_INTERFACE 0x8100u
#define GET_STATUS_ENDPOINT 0x8200u
#define CLEAR_FEATURE_ENDPOINT 0x0201u
#define SET_ADDRESS 0x0005u
#define GET_DESCRIPTOR 0x8006u
#define GET_CONFIGURATION 0x8008u
#define SET_CONFIGURATION 0x0009u
#define GET_INTERFACE 0x810au
#define SET_INTERFACE 0x010bu
#define SET_LINE_CODING 0x2120u
#define GET_LINE_CODING 0xa121u
#define SET_LINE_STATE 0x2122u
#define SET_LINE_STATE_DEVICE 0x2022u
#define SEND_BREAK 0x2123u
#define LINE_STATE_DTR 1u
#define LINE_CODING_BYTES 7u
/* Opening the port at this rate and closing it starts the boot ROM's drive, as on Arduino boards.
 */
#define BOOT_BAUD 1200u

static struct {
  rt_rp2040_ring_t in, out; /* from and to the host */
  const uint8_t *reply;     /* rest of the control transfer's data */
  uint32_t reply_bytes;
  uint8_t reply_ends_short; /* a last packet of 0 bytes tells the end */
  uint8_t control_pid;      /* of the next packet of endpoint 0 */
  uint8_t in_pid, out_pid;  /* of endpoint 2 */
  uint8_t new_address;      /* to take once its status packet is out */
  uint8_t is_configured, is_suspended, has_dtr;
  uint8_t is_sending;          /* a packet of endpoint 2 is with the controller */
  uint8_t is_receiving;        /* a buffer is with the controller */
  uint8_t expects_line_coding; /* the data of a control transfer to us */
  uint8_t line_coding[LINE_CODING_BYTES];
  uint8_t small_reply[2];
} usb;
static uint8_t from_host[512], to_host[1024];

static void copy_to(uint32_t buffer, const uint8_t *bytes, uint32_t count) {
  volatile uint8_t *to = (volatile uint8_t *)(uintptr_t)(USB_DPRAM_BASE + buffer);
  for (uint32_t i = 0; i < count; i++) to[i] = bytes[i];
}

static void copy_from(uint32_t buffer, uint8_t *bytes, uint32_t count) {
  const volatile uint8_t *from = (const volatile uint8_t *)(uintptr_t)(USB_DPRAM_BASE + buffer);
  for (uint32_t i = 0; i < count; i++) bytes[i] = from[i];
}

/* The controller runs on another clock: it must see the rest before it sees "available". */
static void hand_over(uint32_t endpoint, uint32_t is_out, uint32_t control) {
  RT_REGISTER(BUFFER_CONTROL(endpoint, is_out)) = control;
  __asm__ volatile("nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n");
  RT_REGISTER(BUFFER_CONTROL(endpoint, is_out)) = control | BUFFER_AVAILABLE;
}

static uint32_t pid_bit(uint8_t *pid) {
  const uint32_t bit = *pid ? BUFFER_DATA1 : 0;
  *pid ^= 1u;
  return bit;
}

/* ---- Endpoint 0 ---- */

static void control_send(const uint8_t *bytes, uint32_t count) {
  copy_to(EP0_BUFFER, bytes, count);
  hand_over(0, 0, BUFFER_FULL | pid_bit(&usb.control_pid) | count);
}

static void control_receive(uint32_t most) { hand_over(0, 1, pid_bit(&usb.control_pid) | most); }

static void send_reply_part(void) {
  const uint32_t count = usb.reply_bytes < PACKET_BYTES ? usb.reply_bytes : PACKET_BYTES;
  control_send(usb.reply, count);
  usb.reply += count;
  usb.reply_bytes -= count;
  if (count < PACKET_BYTES) usb.reply_ends_short = 0;
}

static void reply(const uint8_t *bytes, size_t count, uint32_t asked) {
  usb.reply = bytes;
  usb.reply_bytes = count < asked ? (uint32_t)count : asked;
  usb.reply_ends_short = count < asked && count % PACKET_BYTES == 0;
  send_reply_part();
  if (usb.reply_bytes == 0 && !usb.reply_ends_short) usb.reply = NULL;
}

static void acknowledge(void) {
  usb.control_pid = 1;
  control_send(NULL, 0);
}

static void stall(void) {
  RT_REGISTER(USB_EP_STALL_ARM) = 3u;
  RT_REGISTER(BUFFER_CONTROL(0, 0)) = BUFFER_STALL;
  RT_REGISTER(BUFFER_CONTROL(0, 1)) = BUFFER_STALL;
}

static void receive_data(void) {
  if (usb.is_receiving || rt_rp2040_ring_room(&usb.in) < PACKET_BYTES) return;
  usb.is_receiving = 1;
  hand_over(2, 1, pid_bit(&usb.out_pid) | PACKET_BYTES);
}

static void configure(uint32_t is_on) {
  usb.is_configured = (uint8_t)is_on;
  usb.has_dtr = 0;
  usb.is_sending = 0;
  usb.is_receiving = 0;
  usb.in_pid = 0;
  usb.out_pid = 0;
  usb.out.consumed = usb.out.written;
  if (!is_on) return;
  RT_REGISTER(ENDPOINT_CONTROL(1, 0)) =
      ENDPOINT_ENABLE | ENDPOINT_INTERRUPT | ENDPOINT_INTERRUPT_TYPE | EP1_IN_BUFFER;
  RT_REGISTER(ENDPOINT_CONTROL(2, 0)) =
      ENDPOINT_ENABLE | ENDPOINT_INTERRUPT | ENDPOINT_BULK | EP2_IN_BUFFER;
  RT_REGISTER(ENDPOINT_CONTROL(2, 1)) =
      ENDPOINT_ENABLE | ENDPOINT_INTERRUPT | ENDPOINT_BULK | EP2_OUT_BUFFER;
  receive_data();
}

static void set_line_state(uint32_t state) {
  const uint32_t had_dtr = usb.has_dtr;
  usb.has_dtr = (state & LINE_STATE_DTR) != 0;
  rt_rp2040_has_event = 1;
  /* What a former listener did not fetch, the next does not want. */
  if (!usb.has_dtr) usb.out.consumed = usb.out.written;
  const uint32_t baud = usb.line_coding[0] | ((uint32_t)usb.line_coding[1] << 8) |
                        ((uint32_t)usb.line_coding[2] << 16);
  if (had_dtr && !usb.has_dtr && baud == BOOT_BAUD) rt_rp2040_usb_boot();
}

static void reply_small(uint8_t value, uint32_t count, uint32_t asked) {
  usb.small_reply[0] = value;
  usb.small_reply[1] = 0;
  reply(usb.small_reply, count, asked);
}

static void reply_descriptor(uint32_t value, uint32_t asked) {
  size_t bytes;
  const uint8_t *descriptor = rt_rp2040_usb_descriptor(value >> 8, value & 0xffu, &bytes);
  if (descriptor == NULL) {
    stall();
  } else {
    reply(descriptor, bytes, asked);
  }
}

/* Requests that the host wants data for; 0: not one of them. */
static uint32_t answer(uint32_t request, uint32_t value, uint32_t asked) {
  switch (request) {
    case GET_DESCRIPTOR:
      reply_descriptor(value, asked);
      return 1;
    case GET_STATUS_DEVICE:
    case GET_STATUS_INTERFACE:
    case GET_STATUS_ENDPOINT:
      reply_small(0, 2, asked);
      return 1;
    case GET_CONFIGURATION:
      reply_small(usb.is_configured, 1, asked);
      return 1;
    case GET_INTERFACE:
      reply_small(0, 1, asked);
      return 1;
    case GET_LINE_CODING:
      reply(usb.line_coding, LINE_CODING_BYTES, asked);
      return 1;
    default:
      return 0;
  }
}

/* Requests that tell us something. */
static void obey(uint32_t request, uint32_t value) {
  switch (request) {
    case SET_ADDRESS:
      usb.new_address = (uint8_t)(value & 0x7fu);
      break;
    case SET_CONFIGURATION:
      configure(value == 1);
      break;
    case SET_LINE_CODING:
      usb.expects_line_coding = 1;
      control_receive(PACKET_BYTES);
      return;
    case SET_LINE_STATE:
    case SET_LINE_STATE_DEVICE: /* some hosts address the device, not the interface */
      set_line_state(value);
      break;
    case SET_INTERFACE:
    case SEND_BREAK:
    case CLEAR_FEATURE_ENDPOINT:
      break;
    default:
      stall();
      return;
  }
  acknowledge();
}

static void handle_setup(void) {
  RT_CLEAR_BITS(USB_SIE_STATUS) = SIE_SETUP_REC;
  const uint32_t first = RT_REGISTER(SETUP_PACKET);
  const uint32_t second = RT_REGISTER(SETUP_PACKET + 4u);
  const uint32_t request = ((first & 0xffu) << 8) | ((first >> 8) & 0xffu);
  usb.control_pid = 1;
  usb.reply = NULL;
  usb.reply_ends_short = 0;
  usb.expects_line_coding = 0;
  if (!answer(request, first >> 16, second >> 16)) obey(request, first >> 16);
}

static void handle_control_sent(void) {
  if (usb.new_address != 0) {
    RT_REGISTER(USB_ADDR_ENDP) = usb.new_address;
    usb.new_address = 0;
    return;
  }
  if (usb.reply != NULL && (usb.reply_bytes > 0 || usb.reply_ends_short)) {
    send_reply_part();
    if (usb.reply_bytes == 0 && !usb.reply_ends_short) usb.reply = NULL;
    return;
  }
  /* The host acknowledges our data with an empty packet. */
  usb.control_pid = 1;
  control_receive(0);
}

static void handle_control_received(void) {
  if (!usb.expects_line_coding) return;
  usb.expects_line_coding = 0;
  copy_from(EP0_BUFFER, usb.line_coding, LINE_CODING_BYTES);
  acknowledge();
}

/* ---- Endpoint 2 ---- */

static void send_data(void) {
  if (usb.is_sending || !usb.is_configured) return;
  uint8_t packet[PACKET_BYTES];
  const uint32_t count = (uint32_t)rt_rp2040_ring_read(&usb.out, packet, sizeof packet);
  if (count == 0) return;
  usb.is_sending = 1;
  copy_to(EP2_IN_BUFFER, packet, count);
  hand_over(2, 0, BUFFER_FULL | pid_bit(&usb.in_pid) | count);
}

static void handle_data_received(void) {
  uint8_t packet[PACKET_BYTES];
  const uint32_t count = RT_REGISTER(BUFFER_CONTROL(2, 1)) & BUFFER_LENGTH;
  usb.is_receiving = 0;
  copy_from(EP2_OUT_BUFFER, packet, count <= PACKET_BYTES ? count : PACKET_BYTES);
  rt_rp2040_ring_write(&usb.in, packet, count <= PACKET_BYTES ? count : PACKET_BYTES);
  rt_rp2040_has_event = 1;
  receive_data();
}

static void handle_buffers(void) {
  const uint32_t done = RT_REGISTER(USB_BUFF_STATUS);
  RT_CLEAR_BITS(USB_BUFF_STATUS) = done;
  if ((done & DONE_EP0_IN) != 0) handle_control_sent();
  if ((done & DONE_EP0_OUT) != 0) handle_control_received();
  if ((done & DONE_EP2_IN) != 0) {
    usb.is_sending = 0;
    rt_rp2040_has_event = 1;
    send_data();
  }
  if ((done & DONE_EP2_OUT) != 0) handle_data_received();
}

/* ---- Bus ---- */

static void handle_reset(void) {
  RT_CLEAR_BITS(USB_SIE_STATUS) = SIE_BUS_RESET;
  RT_REGISTER(USB_ADDR_ENDP) = 0;
  usb.new_address = 0;
  usb.is_suspended = 0;
  configure(0);
}

void rt_rp2040_usb_interrupt(void) {
  const uint32_t status = RT_REGISTER(USB_INTS);
  if ((status & INT_BUS_RESET) != 0) handle_reset();
  if ((status & INT_SUSPEND) != 0) {
    RT_CLEAR_BITS(USB_SIE_STATUS) = SIE_SUSPENDED;
    usb.is_suspended = 1;
  }
  if ((status & INT_RESUME) != 0) {
    RT_CLEAR_BITS(USB_SIE_STATUS) = SIE_RESUME;
    usb.is_suspended = 0;
  }
  if ((status & INT_SETUP) != 0) handle_setup();
  if ((status & INT_BUFFER) != 0) handle_buffers();
}

void rt_rp2040_usb_init(void) {
  static const uint8_t coding[LINE_CODING_BYTES] = {0x00, 0xc2, 0x01, 0x00,
                                                    0,    0,    8}; /* 115,200 8N1 */
  rt_rp2040_ring_init(&usb.in, from_host, sizeof from_host);
  rt_rp2040_ring_init(&usb.out, to_host, sizeof to_host);
  for (uint32_t i = 0; i < LINE_CODING_BYTES; i++) usb.line_coding[i] = coding[i];
  usb.is_suspended = 0;
  configure(0);
  rt_rp2040_reset_blocks(RESET_USBCTRL);
  for (uint32_t at = 0; at < 0x100u; at += 4) RT_REGISTER(USB_DPRAM_BASE + at) = 0;
  RT_REGISTER(USB_MUXING) = (1u << 0) | (1u << 3); /* to the on-chip transceiver, connected */
  RT_REGISTER(USB_PWR) = (1u << 2) | (1u << 3);    /* supply: taken for there */
  RT_REGISTER(USB_MAIN_CTRL) = 1;
  RT_REGISTER(USB_SIE_CTRL) = SIE_CTRL_EP0_INTERRUPTS;
  RT_REGISTER(USB_INTE) = INT_BUFFER | INT_BUS_RESET | INT_SUSPEND | INT_RESUME | INT_SETUP;
  rt_rp2040_enable_irq(IRQ_USBCTRL);
  RT_SET_BITS(USB_SIE_CTRL) = SIE_CTRL_PULLUP;
}

void rt_rp2040_usb_stop(void) {
  RT_CLEAR_BITS(USB_SIE_CTRL) = SIE_CTRL_PULLUP;
  RT_REGISTER(PPB_NVIC_ICER) = 1u << IRQ_USBCTRL;
  configure(0);
}

uint32_t rt_rp2040_usb_is_open(void) {
  return usb.is_configured && usb.has_dtr && !usb.is_suspended;
}

size_t rt_rp2040_usb_read(uint8_t *bytes, size_t capacity) {
  const size_t count = rt_rp2040_ring_read(&usb.in, bytes, capacity);
  if (count > 0 && usb.is_configured) {
    const uint32_t lock = rt_rp2040_lock();
    receive_data();
    rt_rp2040_unlock(lock);
  }
  return count;
}

size_t rt_rp2040_usb_write(const uint8_t *bytes, size_t size) {
  if (!rt_rp2040_usb_is_open()) return 0;
  const size_t taken = rt_rp2040_ring_write(&usb.out, bytes, size);
  const uint32_t lock = rt_rp2040_lock();
  send_data();
  rt_rp2040_unlock(lock);
  return taken;
}
