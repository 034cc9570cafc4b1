/* Offers with any manifest, and parts of a download in any order, with refusals and restarts between them. */
#include "fuzz_device.h"

#define MESSAGES_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t TYPES[] = { YG_FRAME_UPDATE_OFFER, YG_FRAME_UPDATE_PART, YG_FRAME_ERROR };
    fuzz_input input = { data, data + size };
    uint8_t kind;
    const uint8_t *bytes;
    uint32_t count;
    fuzz_device_start();
    for (int i = 0; i < MESSAGES_MAX && fuzz_take(&input, &kind, &bytes, &count); i++) {
        if (kind % 5 < 3)
            fuzz_device_give_payload(TYPES[kind % 5], bytes, count);
        else if (kind % 5 == 3)
            yg_device_tick(&fuzz_device, (uint32_t)i * 100000u);
        else
            yg_device_connected(&fuzz_device, (kind & 0x80) != 0);
    }
    fuzz_device_end();
    return 0;
}
