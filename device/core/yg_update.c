#include "yg_update.h"

#include <string.h>

#include "port.h"
#include "yg_wire.h"

/* The device asks again when no answer came for so long. */
#define ANSWER_TIMEOUT_MS 5000u
/* A new image that hasn't reached the server for so long is given up. */
#define CONFIRM_TIMEOUT_MS 300000u
/* A download is reported this often on its way. */
#define REPORTS_OF_DOWNLOAD 8u

/* Of error.proto. */
enum {
    NOT_STORED = 869,
    ROLLOUT_NOT_FOUND = 898,
    SIGNATURE_WRONG = 900,
    MANIFEST_MALFORMED = 901,
    HASH_WRONG = 902,
    PART_WRONG = 903,
    STATE_WRONG = 906,
    TARGET_WRONG = 907,
    VERSION_OLD = 908,
    NO_ROOM = 909,
};

typedef struct {
    const uint8_t *at;
    uint32_t bytes;
} view;

/* The fields of UpdateOffer and UpdatePart, by their numbers. */
typedef struct {
    view data[4];
    uint64_t numbers[5];
} message;

static bool read_message(const uint8_t *payload, uint32_t bytes, message *found)
{
    yg_wire in = { payload, payload + bytes, false };
    yg_field field;
    memset(found, 0, sizeof *found);
    while (yg_read_field(&in, &field)) {
        if (field.type == YG_BYTES && field.field < 4)
            found->data[field.field] = (view){ field.bytes.at, (uint32_t)(field.bytes.end - field.bytes.at) };
        else if (field.type == YG_VARINT && field.field < 5)
            found->numbers[field.field] = field.number;
    }
    return !in.is_bad;
}

static uint8_t *put_number(uint8_t *at, uint32_t field, uint32_t number)
{
    if (number == 0)
        return at;
    *at++ = (uint8_t)(field << 3);
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}

static uint8_t *put_id(uint8_t *at, const uint8_t id[YG_ROLLOUT_ID_BYTES])
{
    *at++ = 1 << 3 | YG_BYTES;
    *at++ = YG_ROLLOUT_ID_BYTES;
    memcpy(at, id, YG_ROLLOUT_ID_BYTES);
    return at + YG_ROLLOUT_ID_BYTES;
}

static void report_for(const yg_update *update, const uint8_t id[YG_ROLLOUT_ID_BYTES], uint32_t state, uint32_t code,
                       bool is_outcome)
{
    uint8_t payload[YG_UPDATE_PAYLOAD_BYTES];
    uint8_t *at = put_number(put_number(put_id(payload, id), 2, state), 3, code);
    at = put_number(at, 4, update->slots.received_bytes);
    update->options.report(update->options.context, payload, (uint32_t)(at - payload), is_outcome);
}

static void report(const yg_update *update, uint32_t state, uint32_t code)
{
    report_for(update, update->slots.table.rollout_id, state, code, false);
}

/* Where flash refuses, nothing has changed: the device goes on with what it has, and the server hears why. */
static void not_stored(yg_update *update)
{
    update->is_asking = false;
    report(update, YG_UPDATE_FAILED, NOT_STORED);
}

static void tell_outcome(const yg_update *update)
{
    const yg_slot_table *table = &update->slots.table;
    if (update->is_connected)
        report_for(update, table->rollout_id, table->outcome, table->error_code, true);
}

static void conclude(yg_update *update, uint32_t outcome, uint32_t code)
{
    update->is_asking = false;
    if (yg_slots_conclude(&update->slots, outcome, code))
        tell_outcome(update);
    else
        not_stored(update);
}

/* The next start is that of the new image. */
static void apply(yg_update *update)
{
    report(update, YG_UPDATE_UPDATING, 0);
    if (yg_slots_arm(&update->slots))
        update->options.restart(update->options.context);
    else
        not_stored(update);
}

static void finish(yg_update *update)
{
    report(update, YG_UPDATE_DOWNLOADED, 0);
    if (!yg_slots_is_right(&update->slots)) {
        conclude(update, YG_UPDATE_FAILED, HASH_WRONG);
    } else if (!yg_slots_set_verified(&update->slots)) {
        not_stored(update);
    } else {
        report(update, YG_UPDATE_VERIFIED, 0);
        apply(update);
    }
}

/* Asks for the next piece, or finishes the download. */
static void go_on(yg_update *update)
{
    uint8_t payload[YG_UPDATE_PAYLOAD_BYTES];
    uint32_t missing = yg_slots_missing_in_sector(&update->slots);
    update->is_asking = false;
    if (missing == 0) {
        finish(update);
        return;
    }
    if (!update->is_connected)
        return;
    uint32_t length = missing < YG_UPDATE_PIECE_BYTES ? missing : YG_UPDATE_PIECE_BYTES;
    uint8_t *at = put_id(payload, update->slots.table.rollout_id);
    at = put_number(put_number(at, 2, update->slots.received_bytes), 3, length);
    update->is_asking = true;
    update->asked_ms = update->now_ms;
    update->options.ask(update->options.context, payload, (uint32_t)(at - payload));
}

uint32_t yg_update_open(yg_update *update, const yg_update_options *options, uint32_t now_ms)
{
    memset(update, 0, sizeof *update);
    update->options = *options;
    update->now_ms = update->started_ms = now_ms;
    yg_slots_open(&update->slots);
    return yg_slots_boot(&update->slots, YG_UPDATE_ROLLED_BACK, &update->is_trial);
}

bool yg_update_running(const yg_update *update, yg_release *release)
{
    return update->is_trial ? yg_slots_incoming(&update->slots, release) : yg_slots_confirmed(&update->slots, release);
}

void yg_update_connected(yg_update *update, bool is_connected)
{
    update->is_connected = is_connected;
    update->is_asking = false;
    if (!is_connected)
        return;
    if (update->slots.table.phase == YG_PHASE_OVER)
        tell_outcome(update);
    else if (update->slots.table.phase == YG_PHASE_DOWNLOADING)
        go_on(update);
    else if (update->slots.table.phase == YG_PHASE_VERIFIED)
        apply(update);
}

/* The code of a refusal; 0: it is taken. */
static uint32_t refusal_of(const yg_update *update, const message *offer)
{
    yg_release release;
    yg_release running;
    if (offer->data[2].bytes != YG_RELEASE_MANIFEST_BYTES || offer->data[3].bytes != YG_RELEASE_SIGNATURE_BYTES)
        return MANIFEST_MALFORMED;
    if (!port_verify_signature(update->options.owner_key, offer->data[3].at, offer->data[2].at, offer->data[2].bytes))
        return SIGNATURE_WRONG;
    if (!yg_release_read(offer->data[2].at, &release))
        return MANIFEST_MALFORMED;
    if (release.kind != YG_RELEASE_FIRMWARE || strcmp(release.target, update->options.target) != 0)
        return TARGET_WRONG;
    if (release.content_bytes > port_flash_slot_bytes())
        return NO_ROOM;
    if (release.version < update->slots.table.oldest_version)
        return VERSION_OLD;
    bool is_older = yg_slots_confirmed(&update->slots, &running) && release.version < running.version;
    bool may_be_older = offer->numbers[4] != 0 && !update->options.is_older_refused;
    return is_older && !may_be_older ? VERSION_OLD : 0;
}

static void begin(yg_update *update, const message *offer)
{
    uint8_t head[YG_RELEASE_HEAD_BYTES];
    memcpy(head, offer->data[2].at, YG_RELEASE_MANIFEST_BYTES);
    memcpy(head + YG_RELEASE_MANIFEST_BYTES, offer->data[3].at, YG_RELEASE_SIGNATURE_BYTES);
    if (!yg_slots_begin(&update->slots, offer->data[1].at, head, offer->numbers[4] != 0)) {
        update->is_asking = false;
        report_for(update, offer->data[1].at, YG_UPDATE_FAILED, NOT_STORED, false);
        return;
    }
    update->reported_eighths = 0;
    report(update, YG_UPDATE_DOWNLOADING, 0);
    go_on(update);
}

void yg_update_offered(yg_update *update, const uint8_t *payload, uint32_t bytes)
{
    message offer;
    const yg_slot_table *table = &update->slots.table;
    if (!read_message(payload, bytes, &offer) || offer.data[1].bytes != YG_ROLLOUT_ID_BYTES)
        return;
    bool is_same = memcmp(offer.data[1].at, table->rollout_id, YG_ROLLOUT_ID_BYTES) == 0;
    if (table->phase == YG_PHASE_DOWNLOADING && is_same) {
        go_on(update);
        return;
    }
    if (table->phase != YG_PHASE_IDLE && table->phase != YG_PHASE_DOWNLOADING)
        return;
    uint32_t code = refusal_of(update, &offer);
    if (code != 0)
        report_for(update, offer.data[1].at, YG_UPDATE_REFUSED, code, false);
    else if (memcmp(table->heads[table->active], offer.data[2].at, YG_RELEASE_MANIFEST_BYTES) == 0)
        report_for(update, offer.data[1].at, YG_UPDATE_UPDATED, 0, false);
    else
        begin(update, &offer);
}

static void report_progress(yg_update *update)
{
    yg_release release;
    if (!yg_slots_incoming(&update->slots, &release))
        return;
    uint32_t eighths = (uint32_t)((uint64_t)update->slots.received_bytes * REPORTS_OF_DOWNLOAD / release.content_bytes);
    if (eighths <= update->reported_eighths || eighths >= REPORTS_OF_DOWNLOAD)
        return;
    update->reported_eighths = eighths;
    report(update, YG_UPDATE_DOWNLOADING, 0);
}

void yg_update_received(yg_update *update, const uint8_t *payload, uint32_t bytes)
{
    message part;
    const yg_slots *slots = &update->slots;
    bool is_next = read_message(payload, bytes, &part) && slots->table.phase == YG_PHASE_DOWNLOADING
        && part.data[1].bytes == YG_ROLLOUT_ID_BYTES
        && memcmp(part.data[1].at, slots->table.rollout_id, YG_ROLLOUT_ID_BYTES) == 0
        && part.numbers[2] == slots->received_bytes && part.data[3].bytes > 0
        && part.data[3].bytes <= yg_slots_missing_in_sector(slots);
    if (!is_next)
        return;
    if (!yg_slots_append(&update->slots, part.data[3].at, part.data[3].bytes)) {
        not_stored(update);
        return;
    }
    report_progress(update);
    go_on(update);
}

void yg_update_refused(yg_update *update, uint32_t code)
{
    bool is_over = code == ROLLOUT_NOT_FOUND || code == STATE_WRONG || code == PART_WRONG;
    if (update->slots.table.phase == YG_PHASE_DOWNLOADING && is_over)
        conclude(update, YG_UPDATE_FAILED, code);
}

void yg_update_settled(yg_update *update, bool is_outcome)
{
    if (update->is_trial && update->slots.table.phase == YG_PHASE_TRYING) {
        if (!yg_slots_confirm(&update->slots, YG_UPDATE_UPDATED)) {
            not_stored(update);
            return;
        }
        update->is_trial = false;
        tell_outcome(update);
    } else if (is_outcome && update->slots.table.phase == YG_PHASE_OVER && !yg_slots_acknowledge(&update->slots)) {
        not_stored(update);
    }
}

void yg_update_tick(yg_update *update, uint32_t now_ms)
{
    update->now_ms = now_ms;
    if (update->is_asking && now_ms - update->asked_ms >= ANSWER_TIMEOUT_MS)
        go_on(update);
    if (update->is_trial && now_ms - update->started_ms >= CONFIRM_TIMEOUT_MS) {
        update->is_trial = false;
        if (yg_slots_conclude(&update->slots, YG_UPDATE_ROLLED_BACK, 0))
            update->options.restart(update->options.context);
        else
            not_stored(update);
    }
}
