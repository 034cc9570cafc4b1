/* Stands in for yg_admission.c in the runner that shows what happens without it. */
#include "yg_admission.h"

yg_status yg_admit(const uint8_t *module, uint32_t bytes, const yg_admission_policy *policy, yg_module_parts *parts)
{
    (void)module;
    (void)policy;
    *parts = (yg_module_parts){ .code_bytes = bytes };
    return YG_OK;
}

void yg_write_data(const yg_module_parts *parts, uint8_t *memory)
{
    (void)parts;
    (void)memory;
}
