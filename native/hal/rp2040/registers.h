/*
 * Registers of the RP2040 that this HAL uses, under the datasheet's names.
 */
#ifndef RT_HAL_RP2040_REGISTERS_H
#define RT_HAL_RP2040_REGISTERS_H

#include <stdint.h>

typedef volatile uint32_t rt_register_t;

#define RT_REGISTER(address) (*(rt_register_t *)(address))
/* Aliases of a peripheral's register that set or clear bits in one bus access. */
#define RT_SET_BITS(address) RT_REGISTER((address) + 0x2000u)
#define RT_CLEAR_BITS(address) RT_REGISTER((address) + 0x3000u)

/* ---- Memory ---- */
#define XIP_BASE 0x10000000u
#define XIP_SSI_BASE 0x18000000u

#define SSI_CTRLR0 (XIP_SSI_BASE + 0x00u)
#define SSI_CTRLR1 (XIP_SSI_BASE + 0x04u)
#define SSI_SSIENR (XIP_SSI_BASE + 0x08u)
#define SSI_SER (XIP_SSI_BASE + 0x10u)
#define SSI_BAUDR (XIP_SSI_BASE + 0x14u)
#define SSI_SR (XIP_SSI_BASE + 0x28u)
#define SSI_DR0 (XIP_SSI_BASE + 0x60u)
#define SSI_RX_SAMPLE_DLY (XIP_SSI_BASE + 0xf0u)
#define SSI_SPI_CTRLR0 (XIP_SSI_BASE + 0xf4u)
#define SSI_SR_BUSY (1u << 0)
#define SSI_SR_TFNF (1u << 1)
#define SSI_SR_TFE (1u << 2)
#define SSI_SR_RFNE (1u << 3)

#define IO_QSPI_BASE 0x40018000u
#define IO_QSPI_SS_CTRL (IO_QSPI_BASE + 0x0cu)
#define PADS_QSPI_BASE 0x40020000u
#define PADS_QSPI_SCLK (PADS_QSPI_BASE + 0x04u)
#define PADS_QSPI_SD0 (PADS_QSPI_BASE + 0x08u)

/* ---- Clocks and resets ---- */
#define CLOCKS_BASE 0x40008000u
#define CLK_REF_CTRL (CLOCKS_BASE + 0x30u)
#define CLK_REF_DIV (CLOCKS_BASE + 0x34u)
#define CLK_REF_SELECTED (CLOCKS_BASE + 0x38u)
#define CLK_SYS_CTRL (CLOCKS_BASE + 0x3cu)
#define CLK_SYS_DIV (CLOCKS_BASE + 0x40u)
#define CLK_SYS_SELECTED (CLOCKS_BASE + 0x44u)
#define CLK_PERI_CTRL (CLOCKS_BASE + 0x48u)
#define CLK_USB_CTRL (CLOCKS_BASE + 0x54u)
#define CLK_USB_DIV (CLOCKS_BASE + 0x58u)
#define CLK_ADC_CTRL (CLOCKS_BASE + 0x60u)
#define CLK_ADC_DIV (CLOCKS_BASE + 0x64u)
#define CLK_ENABLE (1u << 11)
#define CLK_SLEEP_EN0 (CLOCKS_BASE + 0xa8u)
#define CLK_SLEEP_EN1 (CLOCKS_BASE + 0xacu)

#define RESETS_BASE 0x4000c000u
#define RESETS_RESET (RESETS_BASE + 0x0u)
#define RESETS_RESET_DONE (RESETS_BASE + 0x8u)
#define RESET_ADC (1u << 0)
#define RESET_DMA (1u << 2)
#define RESET_I2C0 (1u << 3)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PIO0 (1u << 10)
#define RESET_PLL_SYS (1u << 12)
#define RESET_PLL_USB (1u << 13)
#define RESET_PWM (1u << 14)
#define RESET_SPI0 (1u << 16)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)
#define RESET_USBCTRL (1u << 24)

#define PSM_WDSEL 0x40010008u

#define XOSC_BASE 0x40024000u
#define XOSC_CTRL (XOSC_BASE + 0x00u)
#define XOSC_STATUS (XOSC_BASE + 0x04u)
#define XOSC_DORMANT (XOSC_BASE + 0x08u)
#define XOSC_STARTUP (XOSC_BASE + 0x0cu)
#define XOSC_STABLE (1u << 31)

#define PLL_SYS_BASE 0x40028000u
#define PLL_USB_BASE 0x4002c000u
#define PLL_CS 0x0u
#define PLL_PWR 0x4u
#define PLL_FBDIV_INT 0x8u
#define PLL_PRIM 0xcu
#define PLL_LOCK (1u << 31)

#define ROSC_BASE 0x40060000u
#define ROSC_RANDOMBIT (ROSC_BASE + 0x1cu)

#define CHIP_RESET 0x40064008u
#define CHIP_RESET_HAD_RUN (1u << 16)

#define WATCHDOG_BASE 0x40058000u
#define WATCHDOG_CTRL (WATCHDOG_BASE + 0x00u)
#define WATCHDOG_LOAD (WATCHDOG_BASE + 0x04u)
#define WATCHDOG_REASON (WATCHDOG_BASE + 0x08u)
#define WATCHDOG_SCRATCH(n) (WATCHDOG_BASE + 0x0cu + 4u * (n))
#define WATCHDOG_TICK (WATCHDOG_BASE + 0x2cu)
#define WATCHDOG_TRIGGER (1u << 31)
#define WATCHDOG_ENABLE (1u << 30)
#define WATCHDOG_PAUSES (7u << 24)

/* ---- Timer ---- */
#define TIMER_BASE 0x40054000u
#define TIMER_ALARM0 (TIMER_BASE + 0x10u)
#define TIMER_ARMED (TIMER_BASE + 0x20u)
#define TIMER_TIMERAWH (TIMER_BASE + 0x24u)
#define TIMER_TIMERAWL (TIMER_BASE + 0x28u)
#define TIMER_INTR (TIMER_BASE + 0x34u)
#define TIMER_INTE (TIMER_BASE + 0x38u)

/* ---- Pins ---- */
#define IO_BANK0_BASE 0x40014000u
#define GPIO_CTRL(pin) (IO_BANK0_BASE + 8u * (pin) + 4u)
#define IO_INTR(n) (IO_BANK0_BASE + 0xf0u + 4u * (n))
#define IO_PROC0_INTE(n) (IO_BANK0_BASE + 0x100u + 4u * (n))
#define IO_DORMANT_INTE(n) (IO_BANK0_BASE + 0x160u + 4u * (n))
#define GPIO_EDGES 0xcu /* of a pin's four interrupt bits */
#define PADS_GPIO(pin) (0x4001c004u + 4u * (pin))
#define PAD_SCHMITT (1u << 1)
#define PAD_PULL_DOWN (1u << 2)
#define PAD_PULL_UP (1u << 3)
#define PAD_4MA (1u << 4)
#define PAD_INPUT_ENABLE (1u << 6)
#define PAD_OUTPUT_DISABLE (1u << 7)

#define FUNCTION_SPI 1u
#define FUNCTION_UART 2u
#define FUNCTION_I2C 3u
#define FUNCTION_PWM 4u
#define FUNCTION_SIO 5u
#define FUNCTION_PIO0 6u
#define FUNCTION_NONE 31u

#define SIO_BASE 0xd0000000u
#define SIO_GPIO_IN (SIO_BASE + 0x04u)
#define SIO_GPIO_OUT_SET (SIO_BASE + 0x14u)
#define SIO_GPIO_OUT_CLR (SIO_BASE + 0x18u)
#define SIO_GPIO_OE_SET (SIO_BASE + 0x24u)
#define SIO_GPIO_OE_CLR (SIO_BASE + 0x28u)

#define PWM_BASE 0x40050000u
#define PWM_CSR(slice) (PWM_BASE + 0x14u * (slice) + 0x00u)
#define PWM_DIV(slice) (PWM_BASE + 0x14u * (slice) + 0x04u)
#define PWM_CC(slice) (PWM_BASE + 0x14u * (slice) + 0x0cu)
#define PWM_TOP(slice) (PWM_BASE + 0x14u * (slice) + 0x10u)

/* ---- Serial ports ---- */
#define UART_BASE(n) (0x40034000u + 0x4000u * (n))
#define UART_DR 0x00u
#define UART_FR 0x18u
#define UART_IBRD 0x24u
#define UART_FBRD 0x28u
#define UART_LCR_H 0x2cu
#define UART_CR 0x30u
#define UART_IMSC 0x38u
#define UART_ICR 0x44u
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_RXIM (1u << 4)
#define UART_TXIM (1u << 5)
#define UART_RTIM (1u << 6)

#define SPI_BASE(n) (0x4003c000u + 0x4000u * (n))
#define SPI_CR0 0x00u
#define SPI_CR1 0x04u
#define SPI_DR 0x08u
#define SPI_SR 0x0cu
#define SPI_CPSR 0x10u
#define SPI_SR_TNF (1u << 1)
#define SPI_SR_RNE (1u << 2)

#define I2C_BASE(n) (0x40044000u + 0x4000u * (n))
#define IC_CON 0x00u
#define IC_TAR 0x04u
#define IC_DATA_CMD 0x10u
#define IC_FS_SCL_HCNT 0x1cu
#define IC_FS_SCL_LCNT 0x20u
#define IC_RAW_INTR_STAT 0x34u
#define IC_CLR_TX_ABRT 0x54u
#define IC_CLR_STOP_DET 0x60u
#define IC_ENABLE 0x6cu
#define IC_STATUS 0x70u
#define IC_RXFLR 0x78u
#define IC_SDA_HOLD 0x7cu
#define IC_TX_ABRT_SOURCE 0x80u
#define IC_FS_SPKLEN 0xa0u

/* ---- Converter, DMA, PIO ---- */
#define ADC_BASE 0x4004c000u
#define ADC_CS (ADC_BASE + 0x00u)
#define ADC_RESULT (ADC_BASE + 0x04u)
#define ADC_FCS (ADC_BASE + 0x08u)
#define ADC_FIFO (ADC_BASE + 0x0cu)
#define ADC_DIV (ADC_BASE + 0x10u)
#define ADC_CS_EN (1u << 0)
#define ADC_CS_START_ONCE (1u << 2)
#define ADC_CS_START_MANY (1u << 3)
#define ADC_CS_READY (1u << 8)
#define ADC_CS_AINSEL_SHIFT 12u
#define ADC_FCS_EN (1u << 0)
#define ADC_FCS_DREQ_EN (1u << 3)
#define ADC_FCS_EMPTY (1u << 8)
#define ADC_FCS_THRESHOLD_SHIFT 24u

#define DMA_BASE 0x50000000u
#define DMA_READ_ADDR(n) (DMA_BASE + 0x40u * (n) + 0x00u)
#define DMA_WRITE_ADDR(n) (DMA_BASE + 0x40u * (n) + 0x04u)
#define DMA_TRANS_COUNT(n) (DMA_BASE + 0x40u * (n) + 0x08u)
#define DMA_CTRL_TRIG(n) (DMA_BASE + 0x40u * (n) + 0x0cu)
#define DMA_AL1_CTRL(n) (DMA_BASE + 0x40u * (n) + 0x10u)
#define DMA_AL1_TRANS_COUNT_TRIG(n) (DMA_BASE + 0x40u * (n) + 0x1cu)
#define DMA_CHAN_ABORT (DMA_BASE + 0x444u)
#define DMA_CTRL_EN (1u << 0)
#define DMA_CTRL_SIZE_16 (1u << 2)
#define DMA_CTRL_SIZE_32 (2u << 2)
#define DMA_CTRL_INCR_WRITE (1u << 5)
#define DMA_CTRL_RING_SHIFT 6u
#define DMA_CTRL_RING_WRITE (1u << 10)
#define DMA_CTRL_CHAIN_SHIFT 11u
#define DMA_CTRL_TREQ_SHIFT 15u
#define DMA_CTRL_IRQ_QUIET (1u << 21)
#define DMA_TREQ_ADC 36u
#define DMA_TREQ_ALWAYS 63u

#define PIO0_BASE 0x50200000u
#define PIO_CTRL (PIO0_BASE + 0x000u)
#define PIO_FSTAT (PIO0_BASE + 0x004u)
#define PIO_FDEBUG (PIO0_BASE + 0x008u)
#define PIO_TXF0 (PIO0_BASE + 0x010u)
#define PIO_INSTR_MEM(n) (PIO0_BASE + 0x048u + 4u * (n))
#define PIO_SM0_CLKDIV (PIO0_BASE + 0x0c8u)
#define PIO_SM0_EXECCTRL (PIO0_BASE + 0x0ccu)
#define PIO_SM0_SHIFTCTRL (PIO0_BASE + 0x0d0u)
#define PIO_SM0_INSTR (PIO0_BASE + 0x0d8u)
#define PIO_SM0_PINCTRL (PIO0_BASE + 0x0dcu)
#define PIO_FSTAT_TXFULL0 (1u << 16)
#define PIO_FDEBUG_TXSTALL0 (1u << 24)

/* ---- USB device controller ---- */
#define USB_DPRAM_BASE 0x50100000u
#define USB_BASE 0x50110000u
#define USB_ADDR_ENDP (USB_BASE + 0x00u)
#define USB_MAIN_CTRL (USB_BASE + 0x40u)
#define USB_SIE_CTRL (USB_BASE + 0x4cu)
#define USB_SIE_STATUS (USB_BASE + 0x50u)
#define USB_BUFF_STATUS (USB_BASE + 0x58u)
#define USB_EP_STALL_ARM (USB_BASE + 0x68u)
#define USB_MUXING (USB_BASE + 0x74u)
#define USB_PWR (USB_BASE + 0x78u)
#define USB_INTE (USB_BASE + 0x90u)
#define USB_INTS (USB_BASE + 0x98u)

/* ---- Core ---- */
#define PPB_NVIC_ISER 0xe000e100u
#define PPB_NVIC_ICER 0xe000e180u
#define PPB_NVIC_ICPR 0xe000e280u
#define PPB_VTOR 0xe000ed08u
#define PPB_SCR 0xe000ed10u
#define SCR_SLEEPDEEP (1u << 2)

#define IRQ_TIMER_0 0u
#define IRQ_USBCTRL 5u
#define IRQ_IO_BANK0 13u
#define IRQ_UART0 20u

#endif
