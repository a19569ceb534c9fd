/* The VM's life: start, slices, stop; what the collector has to know of it. */
#include "vm/vm.h"

#include "vm/image_check.h"
#include "vm/vm_internal.h"

/* Calls and backward jumps between two looks at the clock, and what opcodes since cost, roughly. */
enum { CLOCK_INTERVAL = 128, CYCLES_PER_TURN = 300 };

void rt_vm_check_time(void) {
  rt_vm.countdown = CLOCK_INTERVAL;
  if (rt_vm.config.spent != NULL) rt_vm.config.spent(CLOCK_INTERVAL * CYCLES_PER_TURN);
  const uint64_t elapsed_us = rt_vm.config.now_us() - rt_vm.slice_start_us;
  if (rt_vm.config.watchdog_us != 0 && rt_vm.fiber_us + elapsed_us >= rt_vm.config.watchdog_us) {
    rt_vm_panic(RT_PANIC_TIMEOUT, "InfiniteLoop");
    return;
  }
  if (elapsed_us >= rt_vm.slice_us) {
    rt_vm.is_preempted = 1;
    rt_vm.is_switching = 1;
  }
}

static void reset_state(const rt_vm_config_t *config) {
  rt_vm = (rt_vm_t){.config = *config};
  rt_vm.sp = rt_vm.stack;
  rt_vm.result = RT_UNDEFINED;
  rt_vm.exception = RT_UNDEFINED;
  rt_vm.method_this = RT_UNDEFINED;
  rt_vm.method_function = RT_UNDEFINED;
  rt_vm.countdown = CLOCK_INTERVAL;
  rt_vm.state = RT_VM_EMPTY;
  rt_vm.start_us = config->now_us();
  rt_fibers_init();
}

static rt_status_t allocate_globals(void) {
  if (rt_image.globals == 0) return RT_OK;
  rt_object_t *block =
      rt_heap_allocate(RT_KIND_VALUES, (size_t)rt_image.globals * sizeof(rt_value_t));
  if (block == NULL) return RT_ERROR_FULL;
  rt_value_t *values = (rt_value_t *)(void *)(block + 1);
  for (uint32_t i = 0; i < rt_image.globals; i++) values[i] = RT_UNDEFINED;
  block->extra = rt_image.globals;
  rt_vm.global_block = RT_REF(block);
  rt_vm.globals = values;
  return RT_OK;
}

static rt_status_t prepare(rt_image_fault_t *fault) {
  rt_status_t status = rt_names_init();
  if (status == RT_OK) status = allocate_globals();
  if (status == RT_OK) status = rt_roles_init();
  if (status == RT_OK) {
    const rt_value_t fiber =
        rt_fiber_start(RT_MAKE(RT_TAG_FUNCTION, 0), RT_UNDEFINED, rt_vm.stack, 0, RT_CALL_BG);
    if (fiber == RT_UNDEFINED) status = RT_ERROR_FULL;
  }
  if (status != RT_OK) fault->what = "the program does not fit the heap";
  return status;
}

rt_status_t rt_vm_start(const rt_vm_config_t *config, const uint8_t *image, size_t size,
                        rt_image_fault_t *fault) {
  rt_vm_stop();
  rt_heap_close();
  reset_state(config);
  /* The heap is empty still: it holds the verifier's bitmap. */
  rt_status_t status =
      rt_image_check(&rt_image, image, size, (uint8_t *)config->heap, config->heap_bytes, fault);
  if (status != RT_OK) {
    rt_image = (rt_image_t){0};
    return status;
  }
  rt_heap_init(config->heap, config->heap_bytes);
  rt_vm.state = RT_VM_RUNNING;
  status = prepare(fault);
  if (status != RT_OK) {
    rt_roles_stop();
    rt_vm.state = RT_VM_EMPTY;
  }
  return status;
}

void rt_vm_stop(void) {
  if (rt_vm.state == RT_VM_EMPTY) return;
  rt_roles_stop();
  rt_fibers_init();
  rt_vm.state = RT_VM_EMPTY;
}

uint64_t rt_vm_run(uint64_t now_us, uint32_t slice_us) {
  if (rt_vm.state != RT_VM_RUNNING && rt_vm.state != RT_VM_ENDED) return UINT64_MAX;
  rt_roles_run(now_us);
  rt_bus_hold_reports(0);
  rt_vm.slice_start_us = now_us;
  rt_vm.slice_us = slice_us;
  uint64_t wake_us = UINT64_MAX;
  for (;;) {
    rt_fiber_t *fiber = rt_vm.fiber;
    if (fiber == NULL) fiber = rt_fiber_next(now_us, &wake_us);
    if (fiber == NULL) break;
    rt_vm.state = RT_VM_RUNNING;
    rt_fiber_run(fiber);
    if (rt_vm.state != RT_VM_RUNNING) return UINT64_MAX;
    now_us = rt_vm.config.now_us();
    if (rt_vm.is_preempted) {
      rt_vm.fiber_us += (uint32_t)(now_us - rt_vm.slice_start_us);
      rt_bus_hold_reports(1); /* it may be about to wait for one */
      return now_us;
    }
    if (now_us - rt_vm.slice_start_us >= slice_us) return now_us;
  }
  rt_vm.state = rt_vm.fibers == 0 ? RT_VM_ENDED : RT_VM_RUNNING;
  const uint64_t roles_us = rt_roles_deadline();
  return roles_us < wake_us ? roles_us : wake_us;
}

rt_vm_state_t rt_vm_state(void) { return (rt_vm_state_t)rt_vm.state; }

uint32_t rt_vm_panic_code(void) { return rt_vm.panic_code; }

void rt_vm_mark_roots(void) {
  /* Frames kept for reuse are garbage like others; the list of them must not outlive them. */
  for (uint32_t i = 0; i <= RT_FRAME_CACHE_UNITS; i++) rt_vm.frame_cache[i] = 0;
  for (const rt_value_t *value = rt_vm.stack; value < rt_vm.sp; value++) {
    rt_heap_mark_value(*value);
  }
  rt_heap_mark_value(rt_vm.result);
  rt_heap_mark_value(rt_vm.exception);
  rt_heap_mark_value(rt_vm.method_this);
  rt_heap_mark_value(rt_vm.method_function);
  rt_heap_mark_ref(rt_vm.global_block);
  rt_heap_mark_ref(rt_vm.fibers);
  if (rt_vm.fiber != NULL) rt_heap_mark_ref(RT_REF(rt_vm.fiber));
  if (rt_vm.frame != NULL) rt_heap_mark_ref(RT_REF(rt_vm.frame));
  rt_roles_mark();
}
