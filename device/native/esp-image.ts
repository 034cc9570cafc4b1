import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type EspTarget, layout } from './layout.ts';
import { BuildError, run } from './run.ts';

const python = `${layout.esptool}/bin/python3`;
const elf = `${layout.build('esp32c3')}/firmware.elf`;
/** What `esptool` makes of it. */
export const espImage = `${layout.build('esp32c3')}/firmware.bin`;

function buildTarget(target: EspTarget, toolchain: string, wamr: string): void {
  console.log(`device: building ${target}`);
  const build = layout.build(target);
  const options = [
    `-DCMAKE_TOOLCHAIN_FILE=${layout.esp}/${toolchain}`,
    `-DWAMR_ROOT_DIR=${wamr}`,
    `-DYG_MODULE=${layout.module('device')}`,
  ];
  const configure = [
    '-S',
    layout.esp,
    '-B',
    build,
    '-G',
    'Unix Makefiles',
    '--log-level=WARNING',
    ...options,
  ];
  run('cmake', configure, 'ignore');
  run('cmake', ['--build', build, '--parallel', String(availableParallelism())], 'inherit');
}

/** Compiles core and WAMR for Xtensa, the instruction set of the ESP32 itself. Throws BuildError. */
export function buildForXtensa(wamr: string): void {
  buildTarget('xtensa', 'xtensa.cmake', wamr);
}

/** Builds the firmware for the ESP32-C3, without ESP-IDF in it, and makes an application image of it. Throws BuildError. */
export function buildEspImage(wamr: string): void {
  buildTarget('esp32c3', 'toolchain.cmake', wamr);
  installEsptool();
  const flash = ['--flash_mode', 'dio', '--flash_freq', '40m', '--flash_size', '4MB'];
  run(python, ['-m', 'esptool', '--chip', 'esp32c3', 'elf2image', ...flash, '-o', espImage, elf], 'ignore');
}

/** From PyPI, once for each version that the file of requirements names. */
function installEsptool(): void {
  const stamp = `${layout.esptool}/requirements.txt`;
  const wanted = readFileSync(layout.esptoolRequirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('device: fetching esptool with pip');
  run('python3', ['-m', 'venv', '--clear', layout.esptool], 'inherit');
  run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', layout.esptoolRequirements], 'inherit');
  writeFileSync(stamp, wanted);
}

/** What `esptool image_info` says of the image. Throws BuildError where it isn't one. */
export function espImageInfo(): string {
  const { status, stdout } = spawnSync(python, ['-m', 'esptool', 'image_info', '--version', '2', espImage], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new BuildError(`esptool can't read the image: ${stdout}`);
  return stdout;
}

/** Names that the firmware calls and doesn't bring itself. */
export function namesMissingInFirmware(): string[] {
  const { stdout } = spawnSync('riscv64-unknown-elf-nm', ['-u', elf], { encoding: 'utf8' });
  return [...stdout.matchAll(/^\s*U (\S+)$/gm)].map(([, name]) => name ?? '');
}

/** Bytes of flash and of variables in RAM, without ESP-IDF. */
export function espSizes(): { espImageBytes: number; espRamBytes: number } {
  const { stdout } = spawnSync('riscv64-unknown-elf-size', [elf], { encoding: 'utf8' });
  const [text, data, bss] = (stdout.split('\n')[1] ?? '').trim().split(/\s+/).map(Number);
  return { espImageBytes: (text ?? 0) + (data ?? 0), espRamBytes: (data ?? 0) + (bss ?? 0) };
}
