import { generateKeyPairSync } from 'node:crypto';
import { type ModuleParts, makeModule, signed } from '../../device/native/make-module.ts';
import { HEAD_BYTES, MANIFEST_BYTES, type ScriptManifest } from '../../device/scripts/manifest.ts';
import { publicKeyOf, signPackage } from '../../device/scripts/package.ts';
import { Native, ScriptEvent } from '../../device/sdk/natives.ts';

const I32_CONST = 0x41;
const I32_EQ = 0x46;
const I32_EQZ = 0x45;
const LOCAL_GET = 0x20;
const CALL = 0x10;
const DROP = 0x1a;
const END = 0x0b;
/** A block that returns nothing. */
const VOID = 0x40;

/** An owner, and a stranger. */
export const owner = generateKeyPairSync('ed25519').privateKey;
export const stranger = generateKeyPairSync('ed25519').privateKey;
export const ownerKey = publicKeyOf(owner);

/** A loop without an end, and an access outside memory. */
export const LOOP = [0x03, VOID, 0x0c, 0, END];
export const TRAP = [0x00];

/** A text in a script's memory, as AssemblyScript lays it: its length before it. */
export function textAt(address: number, text: string): [number, number[]] {
  const units = [...text].flatMap((character) => [character.charCodeAt(0), 0]);
  return [address - 4, [units.length, 0, 0, 0, ...units]];
}

/** A number in a script's memory. */
export function numberAt(address: number, value: number): [number, number[]] {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [address, [...bytes]];
}

/** Instructions that call a function of the device, which has to be in `natives`, and drop what it answers. */
export type NativeCall = (native: number, a: number, b: number, c: number) => number[];

/** A script that does something at each event and returns 0. Its memory is 512 bytes. */
export function scriptModule(
  natives: readonly number[],
  work: (call: NativeCall) => Partial<Record<keyof typeof ScriptEvent, readonly number[]>>,
  parts: ModuleParts = {},
): Uint8Array {
  const call: NativeCall = (native, ...args) => [
    ...args.flatMap((value) => [I32_CONST, ...signed(value)]),
    ...[CALL, natives.indexOf(native), DROP],
  ];
  const handlers = Object.entries(work(call)).flatMap(([event, body]) => [
    ...[LOCAL_GET, 0, I32_CONST, ScriptEvent[event as keyof typeof ScriptEvent], I32_EQ, 0x04, VOID],
    ...(body ?? []),
    END,
  ]);
  return makeModule({
    heapBase: 512,
    imports: natives.map((native) => ['yg', String(native), 0] as const),
    importType: 0,
    body: [...handlers, I32_CONST, 0],
    ...parts,
  });
}

/** Keeps a number at its start and gives it back to whoever asks: `{ kept }`. */
export const keeper = (value: number): Uint8Array =>
  scriptModule(
    [Native.STORAGE_SET, Native.STORAGE_GET, Native.ANSWER],
    (call) => ({
      START: call(Native.STORAGE_SET, 64, 16, 0),
      COMMAND: [...call(Native.STORAGE_GET, 64, 24, 0), ...call(Native.ANSWER, 64, 24, 0)],
    }),
    { data: [numberAt(16, value), textAt(64, 'kept')] },
  );

/** Keeps the number that a command gives it as `kept`, and answers it; 4 at first. */
export const rememberer: Uint8Array = scriptModule(
  [Native.ARGUMENT, Native.STORAGE_SET, Native.STORAGE_GET, Native.ANSWER],
  (call) => {
    const isGiven = [...call(Native.ARGUMENT, 64, 24, 0).slice(0, -1), I32_EQZ];
    const isMissing = call(Native.STORAGE_GET, 64, 24, 0).slice(0, -1);
    return {
      START: [...isMissing, 0x04, VOID, ...call(Native.STORAGE_SET, 64, 16, 0), END],
      COMMAND: [
        ...[...isGiven, 0x04, VOID, ...call(Native.STORAGE_SET, 64, 24, 0), END],
        ...call(Native.STORAGE_GET, 64, 32, 0),
        ...call(Native.ANSWER, 64, 32, 0),
      ],
    };
  },
  { data: [numberAt(16, 4), textAt(64, 'kept')] },
);

/** Publishes `name` whenever its timer ends. */
export const beacon = (name: string, periodMs: number): Uint8Array =>
  scriptModule(
    [Native.TIMER_SET, Native.PUBLISH],
    (call) => ({ START: call(Native.TIMER_SET, 0, periodMs, 1), TICK: call(Native.PUBLISH, 64, 16, 48) }),
    { data: [numberAt(16, 1), textAt(48, ''), textAt(64, name)] },
  );

/** Starts well; a command never ends, or traps. */
export const failing = (body: readonly number[]): Uint8Array => scriptModule([], () => ({ COMMAND: body }));

/** What `signedScript` needs beside a name: limits of everything, with room. */
const SETTINGS = {
  version: 1,
  abiVersion: 1,
  memoryBytes: 512,
  stackBytes: 1024,
  instructionsMax: 50_000,
  callMsMax: 1000,
  callsPerSecondMax: 20,
  bytesPerMinuteMax: 4096,
  priority: 3,
};

/** A package of the owner's. */
export function signedScript(
  name: string,
  module: Uint8Array,
  settings: Partial<ScriptManifest> = {},
  key = owner,
): { bytes: Uint8Array; manifest: Uint8Array; signature: Uint8Array; module: Uint8Array } {
  const bytes = signPackage({ ...SETTINGS, name, ...settings }, module, key);
  return {
    bytes,
    manifest: bytes.slice(0, MANIFEST_BYTES),
    signature: bytes.slice(MANIFEST_BYTES, HEAD_BYTES),
    module,
  };
}
