import { checkoutFolder } from '../node/checkout.ts';
import type { RunnerCommand } from './runner.ts';

const root = checkoutFolder();

/** Where the native side is built and what it is built from. */
export const layout = {
  sources: `${root}device/core`,
  toolchain: `${root}device/ports/rv32/toolchain.cmake`,
  manifest: `${root}device/core/wamr/Cargo.toml`,
  lock: `${root}device/core/wamr/Cargo.lock`,
  patch: `${root}device/core/wamr/metering.patch`,
  vendor: `${root}build/device/vendor`,
  wamr: `${root}build/device/vendor/wamrx-sys/wasm-micro-runtime`,
  /** The firmware for ESP-IDF, built here against declarations of it. */
  esp: `${root}device/ports/esp-idf/declared`,
  /** A Python environment of its own with the version of esptool that this names. */
  esptool: `${root}build/device/esptool`,
  esptoolRequirements: `${root}device/ports/esp-idf/declared/esptool.txt`,
  build: (variant: Variant | EspTarget | FuzzBuild) => `${root}build/device/${variant}`,
  module: (profile: Profile) => `${root}build/${profile}.wasm`,
  vectors: `${root}tests/vectors`,
  corpus: `${root}tests/device/wamr/corpus`,
} as const;

/** What is built: Linux, Linux under AddressSanitizer and UndefinedBehaviorSanitizer, emulated bare metal. */
export type Variant = 'host' | 'sanitized' | 'rv32';

/** The ESP32-C3: an image whose format is checked and that never ran. Xtensa: compiled, not linked. */
export type EspTarget = 'esp32c3' | 'xtensa';

/** libFuzzer's programs, for both sizes of a pointer. */
export type FuzzBuild = 'fuzz64' | 'fuzz32';

/** How large the core's tables are: for a device that speaks for itself, or for a gateway that speaks for others, too. */
export type Profile = 'device' | 'device-gateway';

export const profiles: readonly Profile[] = ['device', 'device-gateway'];

export const variants: readonly Variant[] = ['host', 'sanitized', 'rv32'];

const QEMU_ARGS = [
  '-machine',
  'virt',
  '-cpu',
  'rv32',
  '-bios',
  'none',
  '-nographic',
  '-monitor',
  'none',
  '-serial',
  'none',
  '-semihosting-config',
  'enable=on,target=native',
];

/** How to start a variant's runner. `isCounting` makes the emulated processor count instructions exactly, and slower. */
export function runnerCommand(variant: Variant, isCounting = false): RunnerCommand {
  const program = `${layout.build(variant)}/runner`;
  return variant === 'rv32' ? rv32Command(program, isCounting) : { program, args: [] };
}

/** How to start a program for rv32. */
export function rv32Command(program: string, isCounting: boolean): RunnerCommand {
  const counting = isCounting ? ['-icount', 'shift=0'] : [];
  return { program: 'qemu-system-riscv32', args: [...QEMU_ARGS, ...counting, '-kernel', program] };
}

/** The runner that admits every module: only to show what admission stops. */
export function uncheckedRunnerCommand(): RunnerCommand {
  return { program: `${layout.build('sanitized')}/runner-unchecked`, args: [] };
}
