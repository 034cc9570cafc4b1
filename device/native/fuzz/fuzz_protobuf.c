/* The readers of protobuf alone: a command, an error, a frame. What is read is written again where there is a writer. */
#include <stdlib.h>
#include <string.h>

#include "yg_frame.h"
#include "yg_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static yg_command command;
    static uint8_t again[8192];
    yg_frame frame;
    yg_frame second;
    uint32_t code;
    uint64_t nonce;
    yg_read_error(data, (uint32_t)size, &code, &nonce);
    if (yg_read_command(data, (uint32_t)size, &command))
        for (uint32_t i = 0; i < command.argument_count; i++)
            if (yg_find_argument(&command, command.arguments[i].name) == NULL)
                abort();
    if (!yg_frame_read(data, (uint32_t)size, &frame) || frame.is_made_by_server)
        return 0;
    uint32_t bytes = yg_frame_write(&frame, again, sizeof again);
    if (bytes == 0)
        return 0;
    memset(again + bytes - YG_FRAME_SIGNATURE_BYTES, 0, YG_FRAME_SIGNATURE_BYTES);
    if (!yg_frame_read(again, bytes, &second) || second.nonce != frame.nonce || second.payload_bytes != frame.payload_bytes
        || memcmp(second.payload, frame.payload, frame.payload_bytes) != 0)
        abort();
    return 0;
}
