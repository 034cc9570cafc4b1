/* Which instructions a device runs. */
#ifndef YG_INSTRUCTIONS_H
#define YG_INSTRUCTIONS_H

#include "yg_reader.h"

/*
 * Reads the code section's content. Refuses with YG_MEMORY_GROWS a module that grows its memory, with
 * YG_INSTRUCTION_NOT_ALLOWED one with an instruction beyond WebAssembly 1.0, sign extension and saturating conversions.
 */
void yg_check_code(yg_reader *in);

#endif
