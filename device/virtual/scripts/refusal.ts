import type { DeviceCommandResult } from '../../client/index.ts';
import type { RefusalReason } from '../../scripts/module-reader.ts';

type ErrorCode = NonNullable<DeviceCommandResult['error']>['code'];

/** A command that wasn't carried out; nothing has changed. */
export class ScriptRefusal extends Error {
  override readonly name = 'ScriptRefusal';
  readonly code: ErrorCode;
  readonly values: DeviceCommandResult['values'];

  constructor(code: ErrorCode, message: string, values: DeviceCommandResult['values'] = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}

/** What a module that isn't admitted is answered with. */
export const ADMISSION_CODES: Readonly<Record<RefusalReason, ErrorCode>> = {
  INVALID_MODULE: 'script_module_invalid',
  MODULE_TOO_LARGE: 'script_too_large',
  IMPORT_NOT_ALLOWED: 'script_import_not_allowed',
  MEMORY_GROWS: 'script_memory_grows',
  MEMORY_LIMIT: 'script_too_large',
  HEAP_BASE: 'script_heap_base_wrong',
  FIRST_GLOBAL: 'script_module_invalid',
  RUNS_AT_LOAD: 'script_module_invalid',
  INSTRUCTION_NOT_ALLOWED: 'script_module_invalid',
};
