#include "yg_script_reports.h"

#include <stdio.h>
#include <string.h>

#include "yg_natives.h"

#define VALUE_NAME_BYTES 64
/* Less than a text of a result may have (yg_payload.c). */
#define COMMAND_NAMES_BYTES 480

const char *yg_script_state_name(const yg_script *script)
{
    static const char *const NAMES[] = { "stopped", "running", "failed" };
    return NAMES[script->state];
}

const char *yg_script_fault_name(const yg_script *script)
{
    if (script->state != YG_STATE_FAILED)
        return "";
    return script->fault == YG_INSTRUCTION_LIMIT ? "instruction_limit"
        : script->fault == YG_TIME_LIMIT         ? "time_limit"
        : script->fault == YG_NO_MEMORY          ? "no_memory"
                                                 : "trapped";
}

uint32_t yg_scripts_count(const yg_scripts *scripts)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < YG_SCRIPT_SLOTS; i++)
        used += scripts->is_used[i];
    return used;
}

void yg_write_scripts(const yg_scripts *scripts, yg_result *result)
{
    yg_write_number(result, "count", yg_scripts_count(scripts));
    for (uint32_t i = 0; i < YG_SCRIPT_SLOTS; i++) {
        const yg_script *script = &scripts->slots[i];
        char name[VALUE_NAME_BYTES];
        char imports[VALUE_NAME_BYTES] = "";
        if (!scripts->is_used[i])
            continue;
        for (uint32_t number = 1; number <= YG_NATIVES; number++)
            if ((script->imports & 1u << number) != 0)
                snprintf(imports + strlen(imports), sizeof imports - strlen(imports), "%s%u", *imports ? "," : "",
                         (unsigned)number);
        snprintf(name, sizeof name, "%s.version", script->manifest.name);
        yg_write_number(result, name, script->manifest.version);
        snprintf(name, sizeof name, "%s.state", script->manifest.name);
        yg_write_text(result, name, yg_script_state_name(script));
        snprintf(name, sizeof name, "%s.error", script->manifest.name);
        yg_write_text(result, name, yg_script_fault_name(script));
        snprintf(name, sizeof name, "%s.calls", script->manifest.name);
        yg_write_number(result, name, script->call_count);
        snprintf(name, sizeof name, "%s.memory_bytes", script->manifest.name);
        yg_write_number(result, name, script->manifest.memory_bytes);
        snprintf(name, sizeof name, "%s.imports", script->manifest.name);
        yg_write_text(result, name, imports);
    }
}

bool yg_scripts_command_name(const yg_scripts *scripts, uint32_t index, char name[YG_COMMAND_WORD_BYTES])
{
    static const char *const NAMES[] = { "GetCapabilities", "GetChildrenStatus", "ListScripts",  "script.begin", "script.chunk",
                                         "script.commit",   "script.start",      "script.stop", "script.remove" };
    const uint32_t names = sizeof NAMES / sizeof NAMES[0];
    for (const char *const *own = scripts->options.commands; own != NULL && *own != NULL; own++)
        if (index-- == 0)
            return snprintf(name, YG_COMMAND_WORD_BYTES, "%s", *own) > 0;
    if (index < names)
        return snprintf(name, YG_COMMAND_WORD_BYTES, "%s", NAMES[index]) > 0;
    index -= names;
    for (uint32_t i = 0; i < YG_SCRIPT_SLOTS; i++)
        if (scripts->is_used[i] && index-- == 0)
            return snprintf(name, YG_COMMAND_WORD_BYTES, YG_CALL_PREFIX "%s", scripts->slots[i].manifest.name) > 0;
    return false;
}

void yg_write_capabilities(const yg_scripts *scripts, yg_result *result)
{
    char commands[COMMAND_NAMES_BYTES] = "";
    char name[YG_COMMAND_WORD_BYTES];
    for (uint32_t i = 0; yg_scripts_command_name(scripts, i, name); i++)
        snprintf(commands + strlen(commands), sizeof commands - strlen(commands), "%s%s", i == 0 ? "" : ",", name);
    yg_write_text(result, "platform", scripts->options.platform);
    yg_write_text(result, "firmware", scripts->options.firmware);
    yg_write_number(result, "script_abi", YG_SCRIPT_ABI_VERSION);
    yg_write_number(result, "scripts_max", YG_SCRIPTS_MAX);
    yg_write_number(result, "script_bytes_max", scripts->options.image_bytes);
    yg_write_number(result, "script_memory_bytes_max", YG_SCRIPT_MEMORY_BYTES_MAX);
    yg_write_text(result, "commands", commands);
}
