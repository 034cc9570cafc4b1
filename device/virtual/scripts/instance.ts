import { createContext, Script } from 'node:vm';
import type { ScriptManifest } from '../../scripts/manifest.ts';
import { NATIVE_MODULE } from '../../sdk/natives.ts';
import { createNatives, ScriptMemory } from './natives.ts';
import type { ScriptHost } from './script-host.ts';

/** Why a call was stopped. V8 counts no instructions, so that a loop ends by its time. */
export type StopReason = 'time_limit' | 'trapped';

export type CallOutcome =
  | { readonly ok: true; readonly result: number }
  | { readonly ok: false; readonly reason: StopReason };

type Exports = { call: (event: number, a: number, b: number) => number; memory?: WebAssembly.Memory };

/** Of Node's module `vm` only the time limit is used: a module has no way to anything but its imports. */
const limited = { run: () => 0 };
const context = createContext(limited);
const RUN = new Script('run()');

/** An admitted module in V8. */
export class ScriptInstance {
  readonly #exports: Exports;
  readonly #callMsMax: number;

  /** Throws a WebAssembly.CompileError or LinkError, or a TypeError, for a module that V8 refuses or that has no `call`. */
  constructor(manifest: ScriptManifest, module: Uint8Array, host: ScriptHost) {
    let memory: ScriptMemory | null = null;
    const natives = createNatives(host, () => {
      memory ??= new ScriptMemory(this.#exports.memory, manifest.memoryBytes);
      return memory;
    });
    const compiled = new WebAssembly.Module(new Uint8Array(module));
    const { exports } = new WebAssembly.Instance(compiled, { [NATIVE_MODULE]: natives });
    this.#exports = exports as unknown as Exports;
    this.#callMsMax = manifest.callMsMax;
    if (typeof this.#exports.call !== 'function' || this.#exports.call.length !== 3) {
      throw new TypeError('the module exports no call');
    }
  }

  /** Calls the script, for at most as long as its manifest says. */
  call(event: number, a: number): CallOutcome {
    limited.run = () => this.#exports.call(event, a, 0);
    try {
      return { ok: true, result: Number(RUN.runInContext(context, { timeout: this.#callMsMax })) };
    } catch (error) {
      const isLate = (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
      if (isLate) return { ok: false, reason: 'time_limit' };
      if (isTrap(error)) return { ok: false, reason: 'trapped' };
      throw error;
    }
  }
}

/** Too deep a recursion is a RangeError in V8, every other trap a RuntimeError. */
function isTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

/** Whether V8 takes an admitted module, and it has a `call` of three arguments. Nothing of it runs. */
export function isRunnable(module: Uint8Array): boolean {
  try {
    const compiled = new WebAssembly.Module(new Uint8Array(module));
    const natives = WebAssembly.Module.imports(compiled).map(({ name }) => [name, () => 0] as const);
    const { exports } = new WebAssembly.Instance(compiled, { [NATIVE_MODULE]: Object.fromEntries(natives) });
    return typeof exports.call === 'function' && exports.call.length === 3;
  } catch {
    return false;
  }
}
