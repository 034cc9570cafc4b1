/* What a device says of its scripts: ListScripts and GetCapabilities. */
#ifndef YG_SCRIPT_REPORTS_H
#define YG_SCRIPT_REPORTS_H

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

/* The values of ListScripts, and of GetCapabilities. */
void yg_write_scripts(const yg_scripts *scripts, yg_result *result);
void yg_write_capabilities(const yg_scripts *scripts, yg_result *result);

#endif
