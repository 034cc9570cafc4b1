#include "yg_replay.h"

#include <string.h>

static void set_bit(yg_replay_window *window, uint64_t nonce)
{
    window->bits[nonce % YG_REPLAY_NONCES / 32u] |= 1u << nonce % 32u;
}

static bool has_bit(const yg_replay_window *window, uint64_t nonce)
{
    return (window->bits[nonce % YG_REPLAY_NONCES / 32u] >> nonce % 32u & 1u) != 0;
}

/* The nonces that come into the window with a new highest one weren't used. */
static void advance(yg_replay_window *window, uint64_t nonce)
{
    if (nonce - window->last >= YG_REPLAY_NONCES)
        memset(window->bits, 0, sizeof window->bits);
    else
        for (uint64_t i = window->last + 1; i < nonce; i++)
            window->bits[i % YG_REPLAY_NONCES / 32u] &= ~(1u << i % 32u);
    window->last = nonce;
    set_bit(window, nonce);
}

static bool use(yg_replay_window *window, uint64_t nonce)
{
    if (nonce > window->last) {
        advance(window, nonce);
        return true;
    }
    if (nonce == 0 || window->last - nonce >= YG_REPLAY_NONCES || has_bit(window, nonce))
        return false;
    set_bit(window, nonce);
    return true;
}

static bool is_of(const yg_replay_window *window, const yg_frame *frame)
{
    return window->is_used != 0 && window->is_made_by_server == frame->is_made_by_server
        && memcmp(window->source_id, frame->source_id, YG_ID_BYTES) == 0;
}

bool yg_replay_use(yg_replay *replay, const yg_frame *frame)
{
    yg_replay_window found = { .is_made_by_server = frame->is_made_by_server, .is_used = 1 };
    uint32_t at = 0;
    while (at < YG_REPLAY_SOURCES && !is_of(&replay->windows[at], frame))
        at++;
    if (at < YG_REPLAY_SOURCES) {
        found = replay->windows[at];
    } else {
        if (frame->nonce <= replay->forgotten)
            return false;
        memcpy(found.source_id, frame->source_id, YG_ID_BYTES);
        at = YG_REPLAY_SOURCES - 1;
        const yg_replay_window *oldest = &replay->windows[at];
        if (oldest->is_used != 0 && oldest->last > replay->forgotten)
            replay->forgotten = oldest->last;
    }
    bool is_new = use(&found, frame->nonce);
    memmove(&replay->windows[1], &replay->windows[0], at * sizeof found);
    replay->windows[0] = found;
    return is_new;
}
