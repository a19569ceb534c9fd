/* Status codes shared by every function of native/ that can fail. */
#ifndef RT_ENGINE_STATUS_H
#define RT_ENGINE_STATUS_H

typedef enum {
  RT_OK = 0,
  /* Work is left: call again with a new budget. */
  RT_BUSY = 1,

  /* Setup: the compiled model does not fit this firmware or the memory given. */
  RT_ERROR_MODEL_MAGIC = -1,  /* not a compiled model, or another version */
  RT_ERROR_MODEL_OP = -2,     /* a layer kind that this firmware was built without */
  RT_ERROR_MODEL_LAYOUT = -3, /* an index, offset or size in the tables is out of range */
  RT_ERROR_ARENA_SIZE = -4,   /* the arena is smaller than the plan asks for */
  RT_ERROR_ALIGNMENT = -5,    /* arena or window memory is not 4-aligned */

  /* Use: a call that the current state does not allow. */
  RT_ERROR_ARGUMENT = -10, /* a value outside its documented range */
  RT_ERROR_STATE = -11,    /* called in the wrong order */
  RT_ERROR_FULL = -12,     /* no room for one more window */
  RT_ERROR_EMPTY = -13,    /* nothing to train on or to evaluate */

  /* Adapter blobs. */
  RT_ERROR_BLOB_FORMAT = -20,  /* truncated, oversized, or not an adapter */
  RT_ERROR_BLOB_MODEL = -21,   /* made for another model, method or rank */
  RT_ERROR_BLOB_CHECKSUM = -22 /* bytes changed since it was saved */
} rt_status_t;

#endif
