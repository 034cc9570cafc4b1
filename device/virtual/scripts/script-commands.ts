import type { DeviceCommand, DeviceCommandResult, PlainValue } from '../../client/index.ts';
import { MEMORY_BYTES_MAX, MODULE_BYTES_MAX, SCRIPTS_MAX } from '../../scripts/limits.ts';
import { SCRIPT_ABI_VERSION } from '../../sdk/natives.ts';
import { ScriptRefusal } from './refusal.ts';
import type { ScriptRuntime } from './runtime.ts';

type Arguments = DeviceCommand['arguments'];
type Values = DeviceCommandResult['values'];

const CALL_PREFIX = 'Script_';

/** How the device describes itself in `GetCapabilities`. */
export interface DeviceDescription {
  readonly platform: string;
  readonly firmware: string;
}

const COMMANDS: ReadonlyMap<string, (runtime: ScriptRuntime, args: Arguments) => Values> = new Map<
  string,
  (runtime: ScriptRuntime, args: Arguments) => Values
>([
  [
    'script.begin',
    (runtime, args) => ({ offset: runtime.begin(data(args, 'manifest'), data(args, 'signature')) }),
  ],
  [
    'script.chunk',
    (runtime, args) => ({ offset: runtime.addChunk(wholeNumber(args, 'offset'), data(args, 'data')) }),
  ],
  [
    'script.commit',
    (runtime) => {
      const { name, version } = runtime.commit();
      return { name, version };
    },
  ],
  ['script.stop', (runtime, args) => ({ state: runtime.setStopped(text(args, 'name'), true).kind })],
  ['script.start', (runtime, args) => ({ state: runtime.setStopped(text(args, 'name'), false).kind })],
  [
    'script.remove',
    (runtime, args) => {
      runtime.remove(text(args, 'name'));
      return {};
    },
  ],
  ['ListScripts', (runtime) => listScripts(runtime)],
  ['GetChildrenStatus', () => ({ count: 0 })],
]);

/** Names of the commands, for the capabilities: those for scripts, and one for each script. */
export function scriptCommandNames(runtime: ScriptRuntime): string[] {
  const scripts = [...runtime.scripts.keys()].map((name) => `${CALL_PREFIX}${name}`);
  return ['GetCapabilities', ...COMMANDS.keys(), ...scripts];
}

/** Carries a command for scripts out; null for one that isn't about them. */
export function carryOutScriptCommand(
  { name, arguments: args }: DeviceCommand,
  runtime: ScriptRuntime,
  device: DeviceDescription & { readonly commands: readonly string[] },
): DeviceCommandResult | null {
  try {
    if (name === 'GetCapabilities') return { error: null, values: describe(device) };
    if (name.startsWith(CALL_PREFIX))
      return { error: null, values: call(runtime, name.slice(CALL_PREFIX.length), args) };
    const work = COMMANDS.get(name);
    return work === undefined ? null : { error: null, values: work(runtime, args) };
  } catch (error) {
    if (!(error instanceof ScriptRefusal)) throw error;
    return { error: { code: error.code, message: error.message }, values: error.values };
  }
}

function describe({
  platform,
  firmware,
  commands,
}: DeviceDescription & { readonly commands: readonly string[] }): Values {
  return {
    platform,
    firmware,
    script_abi: SCRIPT_ABI_VERSION,
    scripts_max: SCRIPTS_MAX,
    script_bytes_max: MODULE_BYTES_MAX,
    script_memory_bytes_max: MEMORY_BYTES_MAX,
    commands: commands.join(','),
  };
}

function listScripts(runtime: ScriptRuntime): Values {
  const values: Record<string, PlainValue> = { count: runtime.scripts.size };
  for (const [name, script] of runtime.scripts) {
    const { state, manifest } = script;
    values[`${name}.version`] = manifest.version;
    values[`${name}.state`] = state.kind;
    values[`${name}.error`] = state.kind === 'failed' ? state.fault : '';
    values[`${name}.calls`] = script.callCount;
    values[`${name}.memory_bytes`] = manifest.memoryBytes;
    values[`${name}.imports`] = script.imports.join(',');
  }
  return values;
}

function call(runtime: ScriptRuntime, name: string, args: Arguments): Values {
  const numbers = new Map<string, number>();
  for (const [key, value] of Object.entries(args)) {
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      throw new ScriptRefusal('command_argument_wrong', 'A script takes numbers and booleans.');
    }
    numbers.set(key, Number(value));
  }
  return Object.fromEntries(runtime.call(name, numbers));
}

function data(args: Arguments, name: string): Uint8Array {
  const value = args[name];
  if (value instanceof Uint8Array) return value;
  throw new ScriptRefusal('command_argument_wrong', `${name} must be data.`);
}

function wholeNumber(args: Arguments, name: string): number {
  const value = args[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ScriptRefusal('command_argument_wrong', `${name} must be a whole number.`);
}

function text(args: Arguments, name: string): string {
  const value = args[name];
  if (typeof value === 'string') return value;
  throw new ScriptRefusal('command_argument_wrong', `${name} must be a text.`);
}
