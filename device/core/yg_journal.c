#include "yg_journal.h"

#include <string.h>

#include "yg_kept_file.h"

#define JOURNAL "commands.jrn"
#define NAME_BYTES 9

/* An answer's file. */
typedef struct {
    yg_command_note note;
    uint8_t payload[YG_ANSWER_BYTES_MAX];
} kept_answer;

static void answer_name(char name[NAME_BYTES], uint32_t number)
{
    memcpy(name, "answer.0", NAME_BYTES);
    name[NAME_BYTES - 2] = (char)('0' + number);
}

static bool is_same(const yg_command_note *note, const uint8_t command_id[YG_ID_BYTES],
                    const uint8_t source_id[YG_ID_BYTES])
{
    return memcmp(note->command_id, command_id, YG_ID_BYTES) == 0 && memcmp(note->source_id, source_id, YG_ID_BYTES) == 0;
}

static bool keep(const yg_journal *journal)
{
    return yg_kept_write(JOURNAL, &journal->content, sizeof journal->content);
}

/* Reads one answer; its bytes without the note, or -1. */
static int32_t read_answer(uint32_t number, kept_answer *answer)
{
    char name[NAME_BYTES];
    answer_name(name, number);
    int32_t bytes = yg_kept_read(name, answer, sizeof *answer);
    return bytes < (int32_t)sizeof answer->note ? -1 : bytes - (int32_t)sizeof answer->note;
}

bool yg_journal_open(yg_journal *journal)
{
    static kept_answer answer;
    memset(journal, 0, sizeof *journal);
    if (yg_kept_read(JOURNAL, &journal->content, sizeof journal->content) != (int32_t)sizeof journal->content
        || journal->content.next_answer >= YG_ANSWERS_KEPT)
        memset(&journal->content, 0, sizeof journal->content);
    for (uint32_t i = 0; i < YG_ANSWERS_KEPT; i++) {
        int32_t bytes = read_answer(i, &answer);
        if (bytes < 0)
            continue;
        journal->answers[i] = answer.note;
        journal->answer_bytes[i] = (uint32_t)bytes;
        /* Power was lost between the answer and the note that it is one. */
        if (journal->content.is_begun != 0
            && is_same(&answer.note, journal->content.begun.command_id, journal->content.begun.source_id)) {
            journal->content.is_begun = 0;
            journal->content.next_answer = (i + 1) % YG_ANSWERS_KEPT;
        }
    }
    return journal->content.is_begun != 0;
}

bool yg_journal_reserve(yg_journal *journal, uint64_t until)
{
    uint64_t before = journal->content.nonces_reserved;
    journal->content.nonces_reserved = until;
    if (keep(journal))
        return true;
    journal->content.nonces_reserved = before;
    return false;
}

bool yg_journal_begin(yg_journal *journal, const yg_command_note *note)
{
    journal->content.begun = *note;
    journal->content.is_begun = 1;
    if (keep(journal))
        return true;
    journal->content.is_begun = 0;
    return false;
}

bool yg_journal_conclude(yg_journal *journal, const uint8_t *payload, uint32_t bytes)
{
    static kept_answer answer;
    char name[NAME_BYTES];
    uint32_t number = journal->content.next_answer;
    if (bytes > YG_ANSWER_BYTES_MAX)
        return false;
    answer.note = journal->content.begun;
    memcpy(answer.payload, payload, bytes);
    answer_name(name, number);
    if (!yg_kept_write(name, &answer, (uint32_t)sizeof answer.note + bytes))
        return false;
    journal->answers[number] = answer.note;
    journal->answer_bytes[number] = bytes;
    journal->content.next_answer = (number + 1) % YG_ANSWERS_KEPT;
    /* Its answer says that it is over; the journal itself is written with the next command. */
    journal->content.is_begun = 0;
    return true;
}

bool yg_journal_answer(const yg_journal *journal, const uint8_t command_id[YG_ID_BYTES],
                       const uint8_t source_id[YG_ID_BYTES], uint8_t frame_id[YG_ID_BYTES], uint8_t *payload,
                       uint32_t *bytes)
{
    static kept_answer answer;
    static const yg_command_note nothing;
    for (uint32_t i = 0; i < YG_ANSWERS_KEPT; i++) {
        const yg_command_note *note = &journal->answers[i];
        if (memcmp(note, &nothing, sizeof nothing) == 0 || !is_same(note, command_id, source_id))
            continue;
        if (read_answer(i, &answer) != (int32_t)journal->answer_bytes[i])
            return false;
        memcpy(frame_id, note->frame_id, YG_ID_BYTES);
        memcpy(payload, answer.payload, journal->answer_bytes[i]);
        *bytes = journal->answer_bytes[i];
        return true;
    }
    return false;
}
