/* A device for fuzzing: flash in memory, every Ed25519 signature right, so that what stands behind a signature is reached. */
#ifndef FUZZ_DEVICE_H
#define FUZZ_DEVICE_H

#include <stdint.h>

#include "yg_device.h"

extern yg_device fuzz_device;

/* Starts it on flash that holds nothing; `network` is what it believes to be connected. */
void fuzz_device_start(void);
void fuzz_device_end(void);

/* Gives it a frame, whose signature is made right when it is a frame at all. */
void fuzz_device_give(const uint8_t *bytes, uint32_t count);

/* Gives it the payload of a frame that the server or another device has sent. */
void fuzz_device_give_payload(uint32_t type, const uint8_t *payload, uint32_t bytes);

/* Takes the next message of an input: a kind, two bytes of length, the rest. False at the end. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} fuzz_input;
bool fuzz_take(fuzz_input *input, uint8_t *kind, const uint8_t **bytes, uint32_t *count);

#endif
