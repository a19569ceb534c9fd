/* What delta_transfer.c (the staging area) and delta_install.c share. */
#ifndef RT_STORE_DELTA_TRANSFER_H
#define RT_STORE_DELTA_TRANSFER_H

#include "store/delta_install.h"

typedef struct {
  uint32_t staging;   /* offset of the area in flash */
  uint32_t area;      /* its bytes; 0: there is none */
  uint32_t size;      /* of the file under way; 0: none */
  uint32_t received;  /* of it */
  uint8_t mismatches; /* pages that did not read back since `begin` */
  uint8_t sha256[RT_DELTA_HASH_BYTES];
} rt_delta_transfer_t;

extern rt_delta_transfer_t rt_delta_transfer;

/* Finds the staging area. */
void rt_delta_transfer_init(void);

/* Forgets the transfer, so that the next `begin` starts from nothing. */
void rt_delta_transfer_drop(void);

/* The file, in flash. */
const uint8_t *rt_delta_file(void);

/* Where the decoded blob of `bytes` goes, from the start of the chip; 0: there is no room for it.
 */
uint32_t rt_delta_decoded_offset(uint32_t bytes);

/* Programs up to a page and compares: RT_ERROR_STATE when it did not become what it should. */
rt_status_t rt_delta_program(uint32_t offset, const uint8_t *bytes, uint32_t count);

#endif
