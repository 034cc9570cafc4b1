/* What arrives over MQTT: frames as they are, then with a right signature, and commands of others in frames. */
#include "fuzz_device.h"

#define MESSAGES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = { data, data + size };
    uint8_t kind;
    const uint8_t *bytes;
    uint32_t count;
    fuzz_device_start();
    for (int i = 0; i < MESSAGES_MAX && fuzz_take(&input, &kind, &bytes, &count); i++) {
        if (kind % 4 == 0)
            fuzz_device_give(bytes, count);
        else if (kind % 4 == 1)
            yg_device_tick(&fuzz_device, (uint32_t)i * 1000u);
        else
            fuzz_device_give_payload(YG_FRAME_COMMAND, bytes, count);
    }
    fuzz_device_end();
    return 0;
}
