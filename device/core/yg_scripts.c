#include "yg_scripts.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "port.h"
#include "yg_natives.h"
#include "yg_payload.h"
#include "yg_script_reports.h"

static void publish(void *context, const char *name, double value, const char *unit)
{
    const yg_scripts *scripts = context;
    scripts->options.publish(scripts->options.context, name, value, unit);
}

static void log_line(void *context, const char *script, bool is_error, const char *text)
{
    const yg_scripts *scripts = context;
    scripts->options.log(scripts->options.context, script, is_error, text);
}

static bool get_kept(void *context, const char *script, const char *key, double *value)
{
    (void)context;
    return yg_store_get(script, key, value);
}

static uint32_t set_kept(void *context, const char *script, const char *key, double value)
{
    (void)context;
    return yg_store_set(script, key, value);
}

static void report(const yg_scripts *scripts, const yg_script *script)
{
    scripts->options.state(scripts->options.context, script->manifest.name, yg_script_state_name(script));
    if (script->state == YG_STATE_FAILED)
        scripts->options.log(scripts->options.context, script->manifest.name, true, yg_script_fault_name(script));
}

static yg_script *find(yg_scripts *scripts, const char *name)
{
    for (uint32_t i = 0; i < YG_SCRIPT_SLOTS; i++)
        if (scripts->is_used[i] && strcmp(scripts->slots[i].manifest.name, name) == 0)
            return &scripts->slots[i];
    return NULL;
}

static void release(yg_scripts *scripts, yg_script *script)
{
    yg_sandbox_unload(&script->sandbox);
    scripts->is_used[script - scripts->slots] = false;
}

static yg_script_code check_head(const yg_scripts *scripts, const uint8_t *head, yg_manifest *manifest)
{
    if (scripts->options.owner_key == NULL)
        return YG_SCRIPT_KEY_MISSING;
    if (!port_verify_signature(scripts->options.owner_key, head + YG_MANIFEST_BYTES, head, YG_MANIFEST_BYTES))
        return YG_SCRIPT_SIGNATURE_WRONG;
    return yg_manifest_read(head, manifest);
}

/*
 * Checks the package in the staging memory and loads its module into a free slot, which isn't used yet. Nothing of it
 * has run.
 */
static yg_script_code load_staged(yg_scripts *scripts, int32_t bytes, uint32_t *slot)
{
    const uint8_t *staging = scripts->options.staging;
    yg_manifest manifest;
    uint8_t digest[YG_DIGEST_BYTES];
    if (bytes < (int32_t)YG_HEAD_BYTES)
        return YG_SCRIPT_SIZE_WRONG;
    yg_script_code code = check_head(scripts, staging, &manifest);
    if (code != YG_SCRIPT_DONE)
        return code;
    const uint8_t *module = staging + YG_HEAD_BYTES;
    if (manifest.module_bytes != (uint32_t)bytes - YG_HEAD_BYTES)
        return YG_SCRIPT_SIZE_WRONG;
    if (yg_core_sha256(scripts->options.core, module, manifest.module_bytes, digest) != YG_OK
        || memcmp(digest, staging + YG_MANIFEST_HASH_OFFSET, sizeof digest) != 0)
        return YG_SCRIPT_HASH_WRONG;
    if (manifest.module_bytes > scripts->options.image_bytes)
        return YG_SCRIPT_NO_ROOM;
    for (*slot = 0; *slot < YG_SCRIPT_SLOTS; ++*slot)
        if (!scripts->is_used[*slot])
            return yg_script_load(&scripts->slots[*slot], &manifest, module,
                                  scripts->options.images + *slot * scripts->options.image_bytes, &scripts->world);
    return YG_SCRIPT_NO_ROOM;
}

/* Loads what is stored under a name into a free slot. */
static yg_script_code load_stored(yg_scripts *scripts, const char *name, yg_script **script)
{
    uint32_t slot = 0;
    yg_script_code code = load_staged(scripts, yg_store_read(name, scripts->options.staging), &slot);
    if (code != YG_SCRIPT_DONE)
        return code;
    *script = &scripts->slots[slot];
    if (strcmp((*script)->manifest.name, name) != 0) {
        yg_sandbox_unload(&(*script)->sandbox);
        return YG_SCRIPT_NOT_FOUND;
    }
    scripts->is_used[slot] = true;
    return YG_SCRIPT_DONE;
}

static void start(yg_scripts *scripts, yg_script *script)
{
    yg_script_start(script);
    if (script->state == YG_STATE_FAILED)
        report(scripts, script);
}

void yg_scripts_open(yg_scripts *scripts, const yg_scripts_options *options, uint32_t now_ms)
{
    char names[YG_SCRIPTS_MAX][YG_SCRIPT_NAME_BYTES];
    memset(scripts, 0, sizeof *scripts);
    scripts->options = *options;
    scripts->world = (yg_script_world){
        .now_ms = now_ms,
        .context = scripts,
        .publish = publish,
        .log = log_line,
        .get = get_kept,
        .set = set_kept,
    };
    if (!yg_store_open())
        log_line(scripts, "", true, "flash can't be cleaned");
    uint32_t stored = yg_store_list(names);
    for (uint32_t i = 0; i < stored; i++) {
        yg_script *script = NULL;
        if (load_stored(scripts, names[i], &script) != YG_SCRIPT_DONE)
            log_line(scripts, names[i], true, "isn't run: its package doesn't pass the checks");
        else if (yg_store_is_stopped(names[i]))
            yg_script_stop(script);
        else
            start(scripts, script);
    }
}

void yg_scripts_close(yg_scripts *scripts)
{
    for (uint32_t i = 0; i < YG_SCRIPT_SLOTS; i++)
        if (scripts->is_used[i])
            release(scripts, &scripts->slots[i]);
}

uint32_t yg_scripts_run(yg_scripts *scripts, uint32_t now_ms, uint32_t calls_max)
{
    scripts->world.now_ms = now_ms;
    for (uint32_t calls = 0; calls < calls_max; calls++) {
        yg_script *first = NULL;
        uint32_t latest_ms = 0;
        for (uint32_t i = 0; i < YG_SCRIPT_SLOTS; i++) {
            yg_script *script = &scripts->slots[i];
            uint32_t late_ms = 0;
            if (!scripts->is_used[i] || !yg_script_is_due(script, &late_ms))
                continue;
            bool is_before = first == NULL || script->manifest.priority > first->manifest.priority
                || (script->manifest.priority == first->manifest.priority && late_ms > latest_ms);
            if (is_before) {
                first = script;
                latest_ms = late_ms;
            }
        }
        if (first == NULL)
            return calls;
        yg_script_tick(first);
        if (first->state == YG_STATE_FAILED)
            report(scripts, first);
    }
    return calls_max;
}

/* Whether a script of this name and version may be there beside the others. */
static yg_script_code check_room(yg_scripts *scripts, const yg_manifest *manifest)
{
    const yg_script *before = find(scripts, manifest->name);
    if (before != NULL)
        return before->manifest.version >= manifest->version ? YG_SCRIPT_VERSION_OLD : YG_SCRIPT_DONE;
    return yg_scripts_count(scripts) >= YG_SCRIPTS_MAX ? YG_SCRIPT_NO_ROOM : YG_SCRIPT_DONE;
}

static yg_script_code begin(yg_scripts *scripts, const yg_command *command, yg_result *result)
{
    uint8_t head[YG_HEAD_BYTES];
    uint8_t there[YG_HEAD_BYTES];
    yg_manifest manifest;
    const yg_argument *text = yg_find_argument(command, "manifest");
    const yg_argument *signature = yg_find_argument(command, "signature");
    if (text == NULL || signature == NULL || text->kind != YG_VALUE_DATA || signature->kind != YG_VALUE_DATA)
        return YG_COMMAND_ARGUMENT_WRONG;
    if (text->byte_count != YG_MANIFEST_BYTES || signature->byte_count != YG_SIGNATURE_BYTES)
        return YG_SCRIPT_MANIFEST_MALFORMED;
    memcpy(head, text->bytes, YG_MANIFEST_BYTES);
    memcpy(head + YG_MANIFEST_BYTES, signature->bytes, YG_SIGNATURE_BYTES);
    yg_script_code code = check_head(scripts, head, &manifest);
    if (code == YG_SCRIPT_DONE)
        code = check_room(scripts, &manifest);
    if (code != YG_SCRIPT_DONE)
        return code;
    int32_t offset = yg_store_incoming(there);
    if (offset < 0 || memcmp(head, there, sizeof head) != 0) {
        if (!yg_store_begin(head))
            return YG_SCRIPT_NOT_STORED;
        offset = 0;
    }
    yg_write_number(result, "offset", offset);
    return YG_SCRIPT_DONE;
}

static yg_script_code add_chunk(const yg_command *command, yg_result *result)
{
    uint8_t head[YG_HEAD_BYTES];
    yg_manifest manifest;
    const yg_argument *offset = yg_find_argument(command, "offset");
    const yg_argument *data = yg_find_argument(command, "data");
    if (offset == NULL || data == NULL || offset->kind != YG_VALUE_INTEGER || data->kind != YG_VALUE_DATA
        || offset->number < 0)
        return YG_COMMAND_ARGUMENT_WRONG;
    int32_t there = yg_store_incoming(head);
    if (there < 0)
        return YG_SCRIPT_CHUNK_ORDER_WRONG;
    if (offset->number + data->byte_count <= there) {
        yg_write_number(result, "offset", there);
        return YG_SCRIPT_DONE;
    }
    if (offset->number != there) {
        yg_write_number(result, "offset", there);
        return YG_SCRIPT_CHUNK_ORDER_WRONG;
    }
    /* It was checked when the upload began, and lay on our own flash since. */
    yg_manifest_read(head, &manifest);
    uint32_t end = (uint32_t)there + data->byte_count;
    if (data->byte_count > YG_CHUNK_BYTES_MAX || end > manifest.module_bytes)
        return YG_SCRIPT_SIZE_WRONG;
    if (!yg_store_add(data->bytes, data->byte_count))
        return YG_SCRIPT_NOT_STORED;
    yg_write_number(result, "offset", end);
    return YG_SCRIPT_DONE;
}

static yg_script_code commit(yg_scripts *scripts, yg_result *result)
{
    uint32_t slot = 0;
    int32_t bytes = yg_store_read_incoming(scripts->options.staging);
    if (bytes < (int32_t)YG_HEAD_BYTES)
        return YG_SCRIPT_CHUNK_ORDER_WRONG;
    yg_script_code code = load_staged(scripts, bytes, &slot);
    yg_manifest manifest;
    yg_manifest_read(scripts->options.staging, &manifest);
    if (code != YG_SCRIPT_DONE) {
        /* What isn't whole may still become it. */
        bool is_whole = (uint32_t)bytes - YG_HEAD_BYTES >= manifest.module_bytes;
        if (is_whole && code != YG_SCRIPT_NO_ROOM && !yg_store_drop())
            return YG_SCRIPT_NOT_STORED;
        return code;
    }
    yg_script *fresh = &scripts->slots[slot];
    code = check_room(scripts, &manifest);
    if (code == YG_SCRIPT_DONE && !yg_store_install(manifest.name))
        code = YG_SCRIPT_NOT_STORED;
    if (code != YG_SCRIPT_DONE) {
        yg_sandbox_unload(&fresh->sandbox);
        return code;
    }
    yg_script *before = find(scripts, manifest.name);
    if (before != NULL) {
        yg_script_stop(before);
        release(scripts, before);
    }
    scripts->is_used[slot] = true;
    if (!yg_store_set_stopped(manifest.name, false))
        log_line(scripts, manifest.name, true, "will be stopped after a restart");
    start(scripts, fresh);
    yg_write_text(result, "name", manifest.name);
    yg_write_number(result, "version", manifest.version);
    return YG_SCRIPT_DONE;
}

/* Loads a script that was stopped or has failed, and starts it. */
static yg_script_code start_again(yg_scripts *scripts, const char *name)
{
    yg_script *script = find(scripts, name);
    if (script->state == YG_STATE_RUNNING)
        return YG_SCRIPT_DONE;
    uint32_t calls = script->call_count;
    release(scripts, script);
    yg_script *fresh = NULL;
    yg_script_code code = load_stored(scripts, name, &fresh);
    if (code != YG_SCRIPT_DONE) {
        /* It stays what it was. */
        scripts->is_used[script - scripts->slots] = true;
        return code;
    }
    fresh->call_count = calls;
    start(scripts, fresh);
    return YG_SCRIPT_DONE;
}

static yg_script_code change(yg_scripts *scripts, const yg_command *command, yg_result *result)
{
    const yg_argument *argument = yg_find_argument(command, "name");
    char name[YG_SCRIPT_NAME_BYTES] = "";
    if (argument == NULL || argument->kind != YG_VALUE_TEXT)
        return YG_COMMAND_ARGUMENT_WRONG;
    if (argument->byte_count < sizeof name)
        memcpy(name, argument->bytes, argument->byte_count);
    yg_script *script = find(scripts, name);
    if (script == NULL)
        return YG_SCRIPT_NOT_FOUND;
    if (strcmp(command->name, "script.remove") == 0) {
        yg_script_stop(script);
        if (!yg_store_remove(name))
            return YG_SCRIPT_NOT_STORED;
        release(scripts, script);
        return YG_SCRIPT_DONE;
    }
    bool is_stopped = strcmp(command->name, "script.stop") == 0;
    if (!yg_store_set_stopped(name, is_stopped))
        return YG_SCRIPT_NOT_STORED;
    yg_script_code code = YG_SCRIPT_DONE;
    if (is_stopped)
        yg_script_stop(script);
    else
        code = start_again(scripts, name);
    script = find(scripts, name);
    report(scripts, script);
    if (code == YG_SCRIPT_DONE)
        yg_write_text(result, "state", yg_script_state_name(script));
    return code;
}

static yg_script_code call(yg_scripts *scripts, const yg_command *command, yg_result *result)
{
    yg_script_world *world = &scripts->world;
    int32_t status = 0;
    yg_script *script = find(scripts, command->name + strlen(YG_CALL_PREFIX));
    if (script == NULL)
        return YG_SCRIPT_NOT_FOUND;
    world->argument_count = 0;
    for (uint32_t i = 0; i < command->argument_count; i++) {
        const yg_argument *argument = &command->arguments[i];
        if (argument->kind != YG_VALUE_BOOLEAN && argument->kind != YG_VALUE_INTEGER
            && argument->kind != YG_VALUE_NUMBER)
            return YG_COMMAND_ARGUMENT_WRONG;
        yg_named_number *number = &world->arguments[world->argument_count++];
        snprintf(number->name, sizeof number->name, "%s", argument->name);
        number->value = argument->number;
    }
    yg_script_code code = yg_script_command(script, &status);
    if (code == YG_SCRIPT_WAS_STOPPED)
        report(scripts, script);
    if (code == YG_SCRIPT_REFUSED)
        yg_write_number(result, "status", status);
    for (uint32_t i = 0; i < world->answer_count && code == YG_SCRIPT_DONE; i++)
        yg_write_number(result, world->answers[i].name, world->answers[i].value);
    return code;
}

static void write_children(const yg_scripts *scripts, yg_result *result)
{
    static const yg_children none;
    const yg_children *children = scripts->options.children;
    yg_children_write(children == NULL ? &none : children, scripts->world.now_ms, result);
}

static yg_script_code carry_out(yg_scripts *scripts, const yg_command *command, yg_result *result)
{
    const char *name = command->name;
    if (strncmp(name, YG_CALL_PREFIX, strlen(YG_CALL_PREFIX)) == 0)
        return call(scripts, command, result);
    if (strcmp(name, "script.begin") == 0)
        return begin(scripts, command, result);
    if (strcmp(name, "script.chunk") == 0)
        return add_chunk(command, result);
    if (strcmp(name, "script.commit") == 0)
        return commit(scripts, result);
    if (strcmp(name, "script.start") == 0 || strcmp(name, "script.stop") == 0 || strcmp(name, "script.remove") == 0)
        return change(scripts, command, result);
    if (strcmp(name, "ListScripts") == 0)
        yg_write_scripts(scripts, result);
    else if (strcmp(name, "GetCapabilities") == 0)
        yg_write_capabilities(scripts, result);
    else if (strcmp(name, "GetChildrenStatus") == 0)
        write_children(scripts, result);
    else
        return YG_COMMAND_UNKNOWN;
    return YG_SCRIPT_DONE;
}

uint32_t yg_scripts_command(yg_scripts *scripts, uint32_t now_ms, const uint8_t *payload, uint32_t bytes,
                            uint8_t *result, uint32_t result_bytes_max)
{
    static yg_command command;
    yg_result writer = { result, result + result_bytes_max, false };
    scripts->world.now_ms = now_ms;
    scripts->world.answer_count = 0;
    yg_script_code code = YG_COMMAND_MALFORMED;
    if (yg_read_command(payload, bytes, &command))
        code = carry_out(scripts, &command, &writer);
    /* The fields of a message may come in any order. */
    if (code != YG_SCRIPT_DONE)
        yg_write_error(&writer, (uint32_t)code, "The device refuses; docs/scripts.md says why.");
    return (uint32_t)(writer.at - result);
}
