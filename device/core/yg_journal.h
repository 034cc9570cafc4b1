/*
 * What a device must not forget over a loss of power: which nonces were used, which command was begun, and the last answers. A
 * command is noted before it is carried out, and its answer before it is sent: so none is carried out twice, and none goes without
 * an answer. Two kinds of files: `commands.jrn`, and `answer.0` to `answer.3`, each replaced as a whole.
 */
#ifndef YG_JOURNAL_H
#define YG_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "yg_replay.h"

/* Payload of an answer, at most. */
#define YG_ANSWER_BYTES_MAX 1536u
/* Answers that are kept for commands that come twice; the broker sends the last few at most again. */
#define YG_ANSWERS_KEPT 4u

/* Who asked for what, and under which id it is answered: sent again under the same id, it arrives once. */
typedef struct {
    uint8_t command_id[YG_ID_BYTES];
    uint8_t source_id[YG_ID_BYTES];
    uint8_t frame_id[YG_ID_BYTES];
} yg_command_note;

typedef struct {
    yg_replay replay;
    /* Nonces of the device's own frames up to here may have been used. */
    uint64_t nonces_reserved;
    /* The command that is being carried out; its frame_id is that of the answer. */
    yg_command_note begun;
    uint32_t is_begun;
    uint32_t next_answer;
} yg_journal_content;

typedef struct {
    yg_journal_content content;
    yg_command_note answers[YG_ANSWERS_KEPT];
    uint32_t answer_bytes[YG_ANSWERS_KEPT];
} yg_journal;

/*
 * Reads what is there. True: a command was begun and not answered, because power was lost; `content.begun` says which, and the
 * device concludes it with "outcome unknown". False as well where nothing was kept yet.
 */
bool yg_journal_open(yg_journal *journal);

/* Keeps the nonces of commands as they are, and those of the device up to `until`. False when flash refuses: then nothing may be sent. */
bool yg_journal_reserve(yg_journal *journal, uint64_t until);

/* Notes a command that is about to be carried out. False when flash refuses: then it must not be. */
bool yg_journal_begin(yg_journal *journal, const yg_command_note *note);

/* Notes the answer of the command that was begun. False when flash refuses: it is then sent all the same, once. */
bool yg_journal_conclude(yg_journal *journal, const uint8_t *payload, uint32_t bytes);

/*
 * The answer that a command of this source got before; false where it got none. `payload` has room for YG_ANSWER_BYTES_MAX.
 */
bool yg_journal_answer(const yg_journal *journal, const uint8_t command_id[YG_ID_BYTES],
                       const uint8_t source_id[YG_ID_BYTES], uint8_t frame_id[YG_ID_BYTES], uint8_t *payload,
                       uint32_t *bytes);

#endif
