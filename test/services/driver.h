/* Shared by the two files of the bench: driver.c (board) and driver_bus.c (bus). */
#ifndef RT_TEST_SERVICES_DRIVER_H
#define RT_TEST_SERVICES_DRIVER_H

#include "services/learner_setup.h"
#include "services/service.h"

/* Forgets services and what was sent. */
void driver_bus_clear(void);

#endif
