/*
 * Converter: single readings, and audio by DMA. Channel A moves each conversion into a ring of 4 KB
 * for one lap; at its end it starts channel B, which writes A's count again and so starts it for
 * the next lap. No interrupt takes part. How far it is, the position in the ring tells modulo one
 * lap; the laps come from the timer, which runs on the same crystal as the converter.
 */
#include "hal/hal.h"
#include "hal/rp2040/rp2040.h"

#define RING_SAMPLES 2048u /* 128 ms at 16 kHz */
#define RING_BYTES_LOG2 12u
#define CHANNEL_AUDIO 0u
#define CHANNEL_RESTART 1u
#define ADC_HZ 48000000u
#define FIRST_ADC_PIN 26u
#define LAST_ADC_PIN 29u
/* The main loop is woken when so many samples wait. */
#define WAKE_SAMPLES 256u

/* A DMA ring lies on a multiple of its size; link.ld puts it first in SRAM. */
static int16_t rt_rp2040_audio_ring[RING_SAMPLES] __attribute__((aligned(1u << RING_BYTES_LOG2)));
static const uint32_t lap_samples = RING_SAMPLES;

static struct {
  uint64_t started_us;
  uint64_t taken; /* samples read or lost since the start */
  uint32_t rate_hz;
  uint8_t is_ready; /* the converter is out of reset */
  uint8_t is_running;
} audio;

static void prepare(uint32_t pin) {
  if (!audio.is_ready) {
    rt_rp2040_reset_blocks(RESET_ADC | RESET_DMA);
    RT_REGISTER(ADC_CS) = ADC_CS_EN;
    while ((RT_REGISTER(ADC_CS) & ADC_CS_READY) == 0) {
    }
    audio.is_ready = 1;
  }
  rt_rp2040_pin_function(pin, FUNCTION_NONE, PAD_OUTPUT_DISABLE);
  RT_REGISTER(ADC_CS) = ADC_CS_EN | ((pin - FIRST_ADC_PIN) << ADC_CS_AINSEL_SHIFT);
}

static uint32_t has_converter(uint32_t pin) { return pin >= FIRST_ADC_PIN && pin <= LAST_ADC_PIN; }

rt_status_t rt_hal_adc_read(uint8_t pin, uint16_t *value) {
  if (!has_converter(pin)) return RT_ERROR_ARGUMENT;
  if (audio.is_running) return RT_ERROR_STATE;
  prepare(pin);
  RT_SET_BITS(ADC_CS) = ADC_CS_START_ONCE;
  while ((RT_REGISTER(ADC_CS) & ADC_CS_READY) == 0) {
  }
  const uint32_t result = RT_REGISTER(ADC_RESULT) & 0xfffu;
  /* 4,095 becomes 65,535. */
  *value = (uint16_t)((result << 4) | (result >> 8));
  return RT_OK;
}

static void start_dma(void) {
  /* The restarting channel: one word, at once, chained to nobody (itself). */
  RT_REGISTER(DMA_READ_ADDR(CHANNEL_RESTART)) = (uint32_t)(uintptr_t)&lap_samples;
  RT_REGISTER(DMA_WRITE_ADDR(CHANNEL_RESTART)) = DMA_AL1_TRANS_COUNT_TRIG(CHANNEL_AUDIO);
  RT_REGISTER(DMA_TRANS_COUNT(CHANNEL_RESTART)) = 1;
  RT_REGISTER(DMA_AL1_CTRL(CHANNEL_RESTART)) =
      DMA_CTRL_EN | DMA_CTRL_SIZE_32 | (CHANNEL_RESTART << DMA_CTRL_CHAIN_SHIFT) |
      (DMA_TREQ_ALWAYS << DMA_CTRL_TREQ_SHIFT) | DMA_CTRL_IRQ_QUIET;

  RT_REGISTER(DMA_READ_ADDR(CHANNEL_AUDIO)) = ADC_FIFO;
  RT_REGISTER(DMA_WRITE_ADDR(CHANNEL_AUDIO)) = (uint32_t)(uintptr_t)rt_rp2040_audio_ring;
  RT_REGISTER(DMA_TRANS_COUNT(CHANNEL_AUDIO)) = lap_samples;
  RT_REGISTER(DMA_CTRL_TRIG(CHANNEL_AUDIO)) =
      DMA_CTRL_EN | DMA_CTRL_SIZE_16 | DMA_CTRL_INCR_WRITE | DMA_CTRL_RING_WRITE |
      (RING_BYTES_LOG2 << DMA_CTRL_RING_SHIFT) | (CHANNEL_RESTART << DMA_CTRL_CHAIN_SHIFT) |
      (DMA_TREQ_ADC << DMA_CTRL_TREQ_SHIFT) | DMA_CTRL_IRQ_QUIET;
}

rt_status_t rt_hal_audio_start(uint8_t pin, uint32_t rate_hz) {
  if (!has_converter(pin) || (rate_hz != 8000u && rate_hz != 16000u)) return RT_ERROR_ARGUMENT;
  if (audio.is_running) return RT_ERROR_STATE;
  prepare(pin);
  RT_REGISTER(ADC_FCS) = ADC_FCS_EN | ADC_FCS_DREQ_EN | (1u << ADC_FCS_THRESHOLD_SHIFT);
  while ((RT_REGISTER(ADC_FCS) & ADC_FCS_EMPTY) == 0) (void)RT_REGISTER(ADC_FIFO);
  RT_REGISTER(ADC_DIV) = (ADC_HZ / rate_hz - 1u) << 8;
  start_dma();
  audio.rate_hz = rate_hz;
  audio.taken = 0;
  audio.started_us = rt_hal_now_us();
  audio.is_running = 1;
  RT_SET_BITS(ADC_CS) = ADC_CS_START_MANY;
  return RT_OK;
}

void rt_hal_audio_stop(void) {
  if (!audio.is_running) return;
  audio.is_running = 0;
  RT_CLEAR_BITS(ADC_CS) = ADC_CS_START_MANY;
  RT_CLEAR_BITS(DMA_AL1_CTRL(CHANNEL_AUDIO)) = DMA_CTRL_EN;
  RT_REGISTER(DMA_CHAN_ABORT) = (1u << CHANNEL_AUDIO) | (1u << CHANNEL_RESTART);
  while ((RT_REGISTER(DMA_CHAN_ABORT) & ((1u << CHANNEL_AUDIO) | (1u << CHANNEL_RESTART))) != 0) {
  }
  RT_REGISTER(ADC_FCS) = 0;
}

/* Samples since the start: near what the timer expects, and at the position of the DMA. */
static uint64_t samples_so_far(uint64_t now_us) {
  const uint32_t write = RT_REGISTER(DMA_WRITE_ADDR(CHANNEL_AUDIO));
  const uint32_t position = (write - (uint32_t)(uintptr_t)rt_rp2040_audio_ring) / 2;
  /* 8 or 16 samples a millisecond. */
  const uint64_t expected = (now_us - audio.started_us) * (audio.rate_hz / 1000u) / 1000u;
  const uint32_t offset = (position - (uint32_t)expected) & (RING_SAMPLES - 1);
  if (offset < RING_SAMPLES / 2) return expected + offset;
  const uint32_t behind = RING_SAMPLES - offset;
  return expected > behind ? expected - behind : 0;
}

/* Room for what arrives while samples are copied. */
#define MARGIN_SAMPLES 32u

size_t rt_hal_audio_read(int16_t *samples, size_t capacity, uint32_t *lost) {
  if (!audio.is_running) return 0;
  const uint64_t written = samples_so_far(rt_hal_now_us());
  if (written <= audio.taken) return 0;
  uint64_t count = written - audio.taken;
  if (count > RING_SAMPLES - MARGIN_SAMPLES) {
    const uint64_t skipped = count - (RING_SAMPLES - MARGIN_SAMPLES);
    *lost += (uint32_t)skipped;
    audio.taken += skipped;
    count -= skipped;
  }
  if (count > capacity) count = capacity;
  const uint32_t from = (uint32_t)audio.taken;
  const volatile uint16_t *ring = (const volatile uint16_t *)rt_rp2040_audio_ring;
  for (uint32_t i = 0; i < (uint32_t)count; i++) {
    const int32_t sample = ring[(from + i) & (RING_SAMPLES - 1)] & 0xfff;
    samples[i] = (int16_t)((sample - 2048) * 16);
  }
  audio.taken += count;
  return (size_t)count;
}

uint64_t rt_rp2040_audio_due_us(uint64_t now_us) {
  if (!audio.is_running) return UINT64_MAX;
  (void)now_us;
  const uint64_t sample = audio.taken + WAKE_SAMPLES;
  return audio.started_us + sample * 1000u / (audio.rate_hz / 1000u) + 1;
}
