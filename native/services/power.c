/*
 * The battery registers of Jacdac's power service (jacdac-spec/services/power.md). This device
 * negotiates about power with nobody.
 */
#include "services/power.h"

#include "services/service.h"

#define SERVICE_CLASS 0x1fa4c95au
#define REG_ALLOWED 0x001u
#define REG_BATTERY_VOLTAGE 0x180u
#define REG_BATTERY_CHARGE 0x182u
#define REG_BATTERY_CAPACITY 0x183u

static struct {
  uint16_t millivolts, charge;
  uint32_t capacity;
  uint8_t allowed;
} power = {.charge = UINT16_MAX, .allowed = 1};

void rt_power_set(uint32_t charge_q16, uint32_t millivolts, uint32_t capacity_milliwatt_hours) {
  power.charge = (uint16_t)(charge_q16 < UINT16_MAX ? charge_q16 : UINT16_MAX);
  power.millivolts = (uint16_t)(millivolts < UINT16_MAX ? millivolts : UINT16_MAX);
  power.capacity = capacity_milliwatt_hours;
}

static const rt_service_register_t table[] = {
    {REG_ALLOWED, 1, RT_REGISTER_READ, &power.allowed},
    {REG_BATTERY_VOLTAGE, 2, RT_REGISTER_READ, &power.millivolts},
    {REG_BATTERY_CHARGE, 2, RT_REGISTER_READ, &power.charge},
    {REG_BATTERY_CAPACITY, 4, RT_REGISTER_READ, &power.capacity},
};

const rt_service_module_t rt_module_power = {
    .service_class = SERVICE_CLASS,
    .name = "power",
    .registers = table,
    .register_count = sizeof table / sizeof table[0],
};
