/* Numbers and text of the VM, for tests: what JavaScript calls. */
#include "libm/libm.h"
#include "vm/object.h"
#include "vm/text.h"

#define TEXT_BYTES 4096u

static char text[TEXT_BYTES];
static uint32_t used;

char *test_text(void);
uint32_t test_used(void);
uint32_t test_print(double number);
uint32_t test_print_digits(double number, uint32_t digits);
uint32_t test_quoted(uint32_t bytes);
double test_parse(uint32_t bytes);
uint32_t test_is_int(double number);
double test_pow(double x, double y);
double test_log(double x);
double test_floor(double x);
double test_ceil(double x);
double test_trunc(double x);

char *test_text(void) { return text; }
uint32_t test_used(void) { return used; }
uint32_t test_print(double number) { return rt_number_print(text, rt_value_number(number)); }

uint32_t test_print_digits(double number, uint32_t digits) {
  return rt_number_print_digits(text, rt_value_number(number), digits);
}

/* Quotes the first half of the buffer into the second; returns the length. */
uint32_t test_quoted(uint32_t bytes) {
  rt_text_t quoted = {text + TEXT_BYTES / 2u, TEXT_BYTES / 2u, 0};
  rt_text_add_quoted(&quoted, text, bytes);
  return quoted.length;
}

double test_parse(uint32_t bytes) { return rt_number_parse(text, bytes, &used); }
uint32_t test_is_int(double number) { return RT_IS_INT(rt_value_number(number)); }
double test_pow(double x, double y) { return rt_libm_pow(x, y); }
double test_log(double x) { return rt_libm_log(x); }
double test_floor(double x) { return rt_libm_floor(x); }
double test_ceil(double x) { return rt_libm_ceil(x); }
double test_trunc(double x) { return rt_libm_trunc(x); }
