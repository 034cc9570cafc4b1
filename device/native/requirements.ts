import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program or file the build needs, and Debian's package that brings it. */
interface Requirement {
  readonly what: string;
  readonly isThere: () => boolean;
  readonly debianPackage: string;
}

const program = (name: string, debianPackage: string): Requirement => ({
  what: name,
  isThere: () => findProgram(name) !== null,
  debianPackage,
});

const file = (path: string, debianPackage: string): Requirement => ({
  what: path,
  isThere: () => existsSync(path),
  debianPackage,
});

const requirements: readonly Requirement[] = [
  program('gcc', 'gcc'),
  file('/usr/include/stdio.h', 'libc6-dev'),
  file('/usr/include/sodium.h', 'libsodium-dev'),
  file('/usr/include/mosquitto.h', 'libmosquitto-dev'),
  file('/usr/include/cjson/cJSON.h', 'libcjson-dev'),
  program('cmake', 'cmake'),
  program('make', 'make'),
  program('patch', 'patch'),
  program('riscv64-unknown-elf-gcc', 'gcc-riscv64-unknown-elf'),
  file('/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs', 'picolibc-riscv64-unknown-elf'),
  program('clang', 'clang'),
  { what: "libFuzzer, of clang's runtime", isThere: hasFuzzer, debianPackage: 'libclang-rt-dev' },
  { what: 'libraries for gcc -m32', isThere: can32Bits, debianPackage: 'g++-multilib' },
  program('qemu-system-riscv32', 'qemu-system-misc'),
  program('xtensa-lx106-elf-gcc', 'gcc-xtensa-lx106'),
  file('/usr/lib/xtensa-lx106-elf/picolibc.specs', 'picolibc-xtensa-lx106-elf'),
  { what: 'python3 -m venv', isThere: canMakeEnvironments, debianPackage: 'python3-venv' },
];

/** Whether Python is there, with what it makes environments by. */
function canMakeEnvironments(): boolean {
  return spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0;
}

/** Whether clang has its fuzzer for 32 bits. */
function hasFuzzer(): boolean {
  const { stdout } = spawnSync('clang', ['-m32', '-print-file-name=libclang_rt.fuzzer-i386.a'], {
    encoding: 'utf8',
  });
  const { stdout: folder } = spawnSync('clang', ['-print-resource-dir'], { encoding: 'utf8' });
  const inFolder = `${(folder ?? '').trim()}/lib/linux/libclang_rt.fuzzer-i386.a`;
  return existsSync(inFolder) || existsSync((stdout ?? '').trim());
}

/** Whether gcc finds its C++ library for 32 bits, which libFuzzer is linked with. */
function can32Bits(): boolean {
  const { stdout } = spawnSync('gcc', ['-m32', '-print-file-name=libstdc++.a'], { encoding: 'utf8' });
  return (stdout ?? '').trim().startsWith('/');
}

/** Something is missing that this program can't or mustn't install. The message says what, and what to do. */
export class MissingRequirementError extends Error {
  override readonly name = 'MissingRequirementError';
}

/** Where a program is on the path, or null. */
export function findProgram(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * Sees to it that compilers and emulator are there: installs Debian's packages when run by root on Debian. Throws
 * {@link MissingRequirementError} with everything that is missing at once, cargo included unless `hasWamrSource`.
 */
export function requireTools(hasWamrSource: boolean): void {
  const missing = requirements.filter((requirement) => !requirement.isThere());
  const isCargoMissing = !hasWamrSource && findProgram('cargo') === null;
  const canInstall = process.getuid?.() === 0 && findProgram('apt-get') !== null;
  if (isCargoMissing || (missing.length > 0 && !canInstall)) {
    throw new MissingRequirementError(describeMissing(missing, isCargoMissing));
  }
  if (missing.length === 0) return;
  const packages = missing.map((requirement) => requirement.debianPackage);
  console.log(`device: installing Debian packages: ${packages.join(' ')}`);
  apt('update', '-q');
  apt('install', '-y', '-q', '--no-install-recommends', ...packages);
  const still = requirements.filter((requirement) => !requirement.isThere());
  if (still.length > 0) throw new MissingRequirementError(describeMissing(still, false));
}

function describeMissing(missing: readonly Requirement[], isCargoMissing: boolean): string {
  const names = missing.map(({ what }) => what);
  if (isCargoMissing)
    names.push('cargo, which fetches the source of WAMR (or set WAMR_ROOT_DIR to a checkout)');
  const packages = missing.map(({ debianPackage }) => debianPackage).join(' ');
  const install = packages === '' ? '' : ` On Debian, as root: apt-get install ${packages}.`;
  return `The native device core can't be built, because this is missing: ${names.join(', ')}.${install} Everything else of the project works without it.`;
}

function apt(...args: readonly string[]): void {
  const { status } = spawnSync('apt-get', args, {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) throw new MissingRequirementError(`apt-get ${args.join(' ')} ended with code ${status}.`);
}
