/* What a device says of its scripts: ListScripts and GetCapabilities. */
#ifndef YG_SCRIPT_REPORTS_H
#define YG_SCRIPT_REPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_payload.h"
#include "yg_scripts.h"

/* Before the name of a script in the command that calls it. */
#define YG_CALL_PREFIX "Script_"

/* running, stopped or failed; and why it failed, or nothing. */
const char *yg_script_state_name(const yg_script *script);
const char *yg_script_fault_name(const yg_script *script);

/* How many scripts the device has. */
uint32_t yg_scripts_count(const yg_scripts *scripts);

/* Longest name of a command, with its zero. */
#define YG_COMMAND_WORD_BYTES 40u

/* Name number `index` of the commands that this device knows; false behind the last. */
bool yg_scripts_command_name(const yg_scripts *scripts, uint32_t index, char name[YG_COMMAND_WORD_BYTES]);

/* The values of ListScripts, and of GetCapabilities. */
void yg_write_scripts(const yg_scripts *scripts, yg_result *result);
void yg_write_capabilities(const yg_scripts *scripts, yg_result *result);

#endif
