/**
 * Why a module can't be used: it isn't WebAssembly or wants imports (`CORE_INVALID_MODULE`), it speaks another version of
 * the ABI (`CORE_ABI_MISMATCH`), it lacks something a core has (`CORE_WRONG_KIND`), or it refused what it never should
 * (`CORE_REFUSED`).
 */
export type CoreErrorCode = 'CORE_INVALID_MODULE' | 'CORE_ABI_MISMATCH' | 'CORE_WRONG_KIND' | 'CORE_REFUSED';

/** A compute core that can't be loaded or doesn't answer as its ABI promises. */
export class CoreError extends Error {
  readonly code: CoreErrorCode;

  constructor(code: CoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CoreError';
    this.code = code;
  }
}
