#include "vm/abi.h"

int32_t rt_native_find(uint32_t builtin, uint32_t string) {
  uint32_t low = rt_builtins[builtin].first;
  uint32_t high = rt_builtins[builtin + 1u].first;
  while (low < high) {
    uint32_t middle = (low + high) / 2u;
    uint32_t name = rt_natives[middle].name;
    if (name == string) return (int32_t)middle;
    if (name < string) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return -1;
}
