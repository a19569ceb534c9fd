#include "targets.h"

const fuzz_target_t fuzz_targets[] = {
    {"image", fuzz_image, fuzz_image_mutate},
    {"link", fuzz_link, NULL},
    {"bus", fuzz_bus, NULL},
    {"deploy", fuzz_deploy, NULL},
    {"store", fuzz_store, NULL},
    {"delta", fuzz_delta, NULL},
    {"install", fuzz_install, NULL},
    {"adapter", fuzz_adapter, NULL},
    {"learner", fuzz_learner, NULL},
};
const uint32_t fuzz_target_count = sizeof fuzz_targets / sizeof fuzz_targets[0];
