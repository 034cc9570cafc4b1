/* The functions of a device that scripts import, by number, from the module "yg": device/sdk/natives.ts has the same list. */
#ifndef YG_NATIVES_H
#define YG_NATIVES_H

#include "yg_admission.h"
#include "yg_status.h"

#define YG_NATIVES 13u

enum { YG_NATIVE_OK = 0, YG_NATIVE_UNKNOWN = 1, YG_NATIVE_OUT_OF_RANGE = 2, YG_NATIVE_LIMIT = 3 };

/* The allow-list for admission. */
extern const yg_import yg_native_imports[YG_NATIVES];

/* Gives them to WAMR, once after yg_runtime_start. YG_NO_MEMORY when the pool is too small. */
yg_status yg_natives_register(void);

#endif
