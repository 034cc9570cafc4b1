import type { KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { checkoutFolder } from '../node/checkout.ts';
import { SCRIPT_ABI_VERSION } from '../sdk/natives.ts';
import { compileScript, ScriptBuildError, SOURCE_FILE } from './compile.ts';
import { encodeManifest, isScriptName, type ScriptManifest } from './manifest.ts';
import { signPackage } from './package.ts';

/** What of a manifest its owner decides: the content of `script.json`. */
export type ScriptSettings = Omit<ScriptManifest, 'abiVersion' | 'memoryBytes' | 'moduleBytes' | 'sha256'>;

const SETTINGS_FILE = 'script.json';
const BUILD_FOLDER = 'build';
const MODULE_FILE = 'script.wasm';
const DEFAULTS: Omit<ScriptSettings, 'name'> = {
  version: 1,
  stackBytes: 512,
  instructionsMax: 50_000,
  callMsMax: 1_000,
  callsPerSecondMax: 20,
  bytesPerMinuteMax: 4_096,
  priority: 3,
};
/** So that an editor knows the types of AssemblyScript and of the SDK. */
const editorConfig = () => ({
  extends: join(checkoutFolder(), 'node_modules/assemblyscript/std/assembly.json'),
  compilerOptions: { paths: { yggdrasil: [join(checkoutFolder(), 'device/sdk/assembly/yggdrasil.ts')] } },
  include: [SOURCE_FILE],
});

/** Makes a folder with an example. Throws an Error for a folder that is there, or a name that no script may have. */
export function makeProject(folder: string, name: string, example: string): void {
  if (!isScriptName(name)) {
    throw new Error(`"${name}" is no name of a script: a to z, 0 to 9 and _, at most 23, a letter first`);
  }
  const source = readFileSync(join(checkoutFolder(), `device/sdk/examples/${example}.ts`), 'utf8');
  mkdirSync(folder);
  writeFileSync(join(folder, SOURCE_FILE), source);
  writeFileSync(join(folder, SETTINGS_FILE), asJson({ name, ...DEFAULTS }));
  writeFileSync(join(folder, 'tsconfig.json'), asJson(editorConfig()));
}

/** Compiles a script's folder into `build/script.wasm`, after every check that a device makes. Throws ScriptBuildError. */
export async function buildProject(folder: string): Promise<{ bytes: number; memoryBytes: number }> {
  const settings = readSettings(folder);
  const { module, memoryBytes } = await compileScript(folder);
  checkSettings(settings, module.length, memoryBytes);
  mkdirSync(join(folder, BUILD_FOLDER), { recursive: true });
  writeWhole(join(folder, BUILD_FOLDER, MODULE_FILE), module, { mode: 0o644 });
  return { bytes: module.length, memoryBytes };
}

/** Compiles and signs a script's folder; returns where the package is. Throws ScriptBuildError. */
export async function signProject(folder: string, key: KeyObject): Promise<string> {
  const settings = readSettings(folder);
  const { memoryBytes } = await buildProject(folder);
  const module = readFileSync(join(folder, BUILD_FOLDER, MODULE_FILE));
  const bytes = signPackage({ ...settings, abiVersion: SCRIPT_ABI_VERSION, memoryBytes }, module, key);
  const path = join(folder, BUILD_FOLDER, `${settings.name}.ygs`);
  writeWhole(path, bytes, { mode: 0o644 });
  return path;
}

function readSettings(folder: string): ScriptSettings {
  const path = join(folder, SETTINGS_FILE);
  let given: Partial<Record<keyof ScriptSettings, unknown>>;
  try {
    given = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ScriptBuildError(`${path} can't be read: ${(error as Error).message}`);
  }
  const number = (key: Exclude<keyof ScriptSettings, 'name'>): number => {
    const value = given[key] ?? DEFAULTS[key];
    if (Number.isSafeInteger(value)) return value as number;
    throw new ScriptBuildError(`${path}: ${key} must be a whole number`);
  };
  return {
    name: String(given.name ?? ''),
    version: number('version'),
    stackBytes: number('stackBytes'),
    instructionsMax: number('instructionsMax'),
    callMsMax: number('callMsMax'),
    callsPerSecondMax: number('callsPerSecondMax'),
    bytesPerMinuteMax: number('bytesPerMinuteMax'),
    priority: number('priority'),
  };
}

function checkSettings(settings: ScriptSettings, moduleBytes: number, memoryBytes: number): void {
  try {
    const rest = { abiVersion: SCRIPT_ABI_VERSION, moduleBytes, memoryBytes, sha256: new Uint8Array(32) };
    encodeManifest({ ...settings, ...rest });
  } catch (error) {
    throw new ScriptBuildError(
      `${SETTINGS_FILE}: ${(error as Error).message}; docs/scripts.md has the limits`,
    );
  }
}

function asJson(content: unknown): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}
