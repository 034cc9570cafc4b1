import { type DeviceCommand, encodeCommand, type PlainValue } from '../client/index.ts';
import { layout } from './layout.ts';
import type { RunnerCommand, RunnerRequest } from './runner.ts';

/** What script_runner.c can do; the numbers are those of its `script_operation`. */
export const ScriptRunnerOperation = {
  START: 1,
  COMMAND: 2,
  RUN: 3,
  EVENTS: 4,
  RESTART: 5,
  BOARD: 6,
  CUTS: 7,
  FREE: 8,
  ADMIT: 9,
} as const;

/** How to start the device with scripts. */
export function scriptRunnerCommand(variant: 'host' | 'sanitized'): RunnerCommand {
  return { program: `${layout.build(variant)}/script-runner`, args: [] };
}

/** Starts the device; answers 1 when it runs. */
export function start(ownerKey: Uint8Array, core: Uint8Array): RunnerRequest {
  return request(ScriptRunnerOperation.START, ownerKey, core);
}

/** Answers the payload of the command's result. */
export function command(atMs: number, name: string, args: Record<string, PlainValue> = {}): RunnerRequest {
  return rawCommand(atMs, payload({ name, arguments: args }));
}

/** The same with a payload that may be anything. */
export function rawCommand(atMs: number, bytes: Uint8Array): RunnerRequest {
  return request(ScriptRunnerOperation.COMMAND, u32(atMs), bytes);
}

/** Calls who is due, at most so many; answers how many calls were made, u32. */
export function run(atMs: number, callsMax = 100): RunnerRequest {
  return request(ScriptRunnerOperation.RUN, u32(atMs, callsMax));
}

/** Answers what was published, reported and logged since the last time, a line each. */
export function events(): RunnerRequest {
  return request(ScriptRunnerOperation.EVENTS);
}

/** Loses power, and starts again. */
export function restart(atMs: number): RunnerRequest {
  return request(ScriptRunnerOperation.RESTART, u32(atMs));
}

/** Sets the temperature; answers the LED, f64, and the level of the pin, u32. */
export function board(celsius: number, pin: number, level: boolean): RunnerRequest {
  const reading = Buffer.alloc(8);
  reading.writeDoubleLE(celsius);
  return request(ScriptRunnerOperation.BOARD, u32(pin, Number(level)), reading);
}

/** Answers the free bytes of the pool, u32. */
export function free(): RunnerRequest {
  return request(ScriptRunnerOperation.FREE);
}

/** Answers what admission says of a module, its memory and the bytes before its data, u32 each. */
export function admit(module: Uint8Array): RunnerRequest {
  return request(ScriptRunnerOperation.ADMIT, module);
}

/** Loses power everywhere while a package takes the place of the first, or a command is carried out; see script_cuts.h. */
export function cuts(
  device: { readonly ownerKey: Uint8Array; readonly core: Uint8Array },
  probe: DeviceCommand,
  first: Uint8Array,
  change: Uint8Array | DeviceCommand,
  preparation?: DeviceCommand,
): RunnerRequest {
  const isPackage = change instanceof Uint8Array;
  const parts = [device.core, payload(probe), first, isPackage ? change : payload(change)];
  parts.push(preparation === undefined ? new Uint8Array() : payload(preparation));
  const blobs = parts.flatMap((bytes) => [u32(bytes.length), bytes]);
  return request(ScriptRunnerOperation.CUTS, u32(isPackage ? 0 : 1), device.ownerKey, ...blobs);
}

function payload(content: DeviceCommand): Uint8Array {
  return encodeCommand(content);
}

function u32(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

function request(operation: number, ...parts: readonly Uint8Array[]): RunnerRequest {
  return { operation, payload: Buffer.concat(parts) };
}
