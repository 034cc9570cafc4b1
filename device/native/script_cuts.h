/* Losses of power in every operation of flash. */
#ifndef SCRIPT_CUTS_H
#define SCRIPT_CUTS_H

#include <stdint.h>

/*
 * Installs a package, then changes something and loses power: in each operation of flash, with whatever may be
 * left of it, and once more in each operation of what follows, which is starting again and doing it again. In:
 * what (0 deploys the second package, 1 carries out a command in its place), owner's key, and for each of device.wasm, a
 * probing command, the first package, the second one and a command that comes before the change, which may be empty, its
 * bytes and itself. After each loss the device starts, and the probe is answered as
 * before the change or as after it; as after it once it was; and as after it when the change is done again.
 *
 * Answers, u32 each: operations of the change, losses, second losses, and failures; then the first failure in words.
 */
uint32_t cut_everywhere(const uint8_t *in, uint32_t bytes, uint8_t *answer, uint32_t answer_bytes_max);

#endif
