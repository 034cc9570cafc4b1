import { Native } from '../sdk/natives.ts';
import type { AdmissionPolicy } from './admission.ts';
import { MEMORY_BYTES_MAX, MODULE_BYTES_MAX, PAGE_BYTES } from './limits.ts';

/** What a device asks of a script's module. */
export const SCRIPT_POLICY: AdmissionPolicy = {
  bytesMax: MODULE_BYTES_MAX,
  memoryBytesMax: MEMORY_BYTES_MAX,
  pageBytes: PAGE_BYTES,
  imports: new Set(Object.values(Native).map(String)),
};
