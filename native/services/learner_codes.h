/* Codes of services/learner.md, and the registers that the work depends on. */
#ifndef RT_SERVICES_LEARNER_CODES_H
#define RT_SERVICES_LEARNER_CODES_H

#include <stdint.h>

#define SERVICE_CLASS 0x1b5d7c3au

#define COMMAND_INFER 0x080u
#define COMMAND_REMEMBER 0x081u
#define COMMAND_TRAIN 0x082u
#define COMMAND_STOP 0x083u
#define COMMAND_CHECK 0x084u
#define COMMAND_RESTORE 0x085u
#define COMMAND_RESET 0x086u
#define COMMAND_FORGET 0x087u
#define COMMAND_SAVE 0x088u
#define COMMAND_LOAD 0x089u
#define COMMAND_CLASS_NAME 0x08au
#define COMMAND_DESCRIBE 0x08bu
#define COMMAND_LOAD_PLACE 0x08cu
#define COMMAND_SWAP 0x08du
#define COMMAND_DESCRIBE_PLACE 0x08eu
#define COMMAND_RENAME 0x08fu
#define COMMAND_CLEAR_PLACE 0x090u
#define COMMAND_DROP 0x091u
#define COMMAND_ROLL_BACK 0x092u

#define REG_ENABLED 0x001u
#define REG_METHOD 0x080u
#define REG_RANK 0x081u
#define REG_LEARNING_RATE 0x082u
#define REG_MOMENTUM 0x083u
#define REG_BATCH 0x084u
#define REG_CLIP 0x085u
#define REG_STEPS 0x086u
#define REG_SEED 0x087u
#define REG_SLICE 0x088u
#define REG_LAST_PREDICTION 0x101u
#define REG_MODEL_NAME 0x180u
#define REG_MODEL_HASH 0x181u
#define REG_MODEL_SIZE 0x182u
#define REG_INPUT_SIZE 0x183u
#define REG_CLASSES 0x184u
#define REG_FEATURES 0x185u
#define REG_ARENA_SIZE 0x186u
#define REG_ADAPTER_SIZE 0x187u
#define REG_CAPACITY 0x188u
#define REG_SLOTS 0x189u
#define REG_LOSS 0x18au
#define REG_TRAIN_COUNT 0x18bu
#define REG_HELD_OUT_COUNT 0x18cu
#define REG_TRAINING 0x18du
#define REG_ENERGY 0x18eu
#define REG_KILOCYCLES 0x18fu
#define REG_NEWEST_SLOT 0x190u
#define REG_PLACES 0x191u
#define REG_ACTIVE_PLACE 0x192u

#define EVENT_PREDICTION 0x80u
#define EVENT_TRAINING_PROGRESS 0x81u
#define EVENT_TRAINING_DONE 0x82u
#define EVENT_ERROR 0x83u

/* Registers that clients write. */
typedef struct {
  uint8_t enabled, method, rank, batch;
  int16_t learning_rate_q15, momentum_q15;
  uint16_t clip_q8, steps;
  uint32_t seed, slice_us;
} rt_learner_settings_t;

extern rt_learner_settings_t rt_learner_settings;

#endif
