// `npm run device:build`: WAMR, the C side of the core and the runner, for Linux, for Linux under sanitizers and for
// emulated rv32. What is built already is kept.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { buildEspImage, buildForXtensa } from './esp-image.ts';
import { type FuzzBits, fuzzBits } from './fuzz/targets.ts';
import { layout, type Variant, variants } from './layout.ts';
import { MissingRequirementError, requireTools } from './requirements.ts';
import { BuildError, run } from './run.ts';

process.exitCode = main();

function main(): number {
  const ownWamr = process.env.WAMR_ROOT_DIR;
  try {
    requireTools(ownWamr !== undefined || isVendored());
    const wamr = ownWamr ?? fetchWamr();
    for (const variant of variants) buildVariant(variant, wamr);
    for (const bits of fuzzBits) buildFuzzers(bits, wamr);
    buildForXtensa(wamr);
    buildEspImage(wamr);
  } catch (error) {
    if (!(error instanceof MissingRequirementError || error instanceof BuildError)) throw error;
    console.error(`device: ${error.message}`);
    return error instanceof MissingRequirementError ? 3 : 1;
  }
  console.log(`device: built ${variants.join(', ')}, an ESP32-C3 image below build/device`);
  return 0;
}

/** What the vendored source was made from: the lock file and the patch. */
function sourceHash(): string {
  return createHash('sha256')
    .update(readFileSync(layout.lock))
    .update(readFileSync(layout.patch))
    .digest('hex');
}

function isVendored(): boolean {
  const stamp = `${layout.vendor}/source.sha256`;
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourceHash();
}

/** The folder of WAMR's source, out of the crate that the lock file names, with our patch; cargo checks its checksum. */
function fetchWamr(): string {
  if (!isVendored()) {
    console.log("device: fetching WAMR's source with cargo");
    rmSync(layout.vendor, { recursive: true, force: true });
    run('cargo', ['vendor', '--locked', '--manifest-path', layout.manifest, layout.vendor], 'ignore');
    run('patch', ['-p1', '--silent', '-d', layout.wamr, '-i', layout.patch], 'inherit');
    writeFileSync(`${layout.vendor}/source.sha256`, sourceHash());
  }
  return layout.wamr;
}

function buildVariant(variant: Variant, wamr: string): void {
  console.log(`device: building ${variant}`);
  const build = layout.build(variant);
  const options = [
    `-DWAMR_ROOT_DIR=${wamr}`,
    `-DYG_PORT=${variant === 'rv32' ? 'rv32' : 'host'}`,
    `-DYG_SANITIZE=${variant === 'sanitized' ? 'ON' : 'OFF'}`,
    ...(variant === 'rv32' ? [`-DCMAKE_TOOLCHAIN_FILE=${layout.toolchain}`] : []),
  ];
  const configure = [
    '-S',
    layout.sources,
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

/** libFuzzer's programs, with the sanitizers in everything. */
function buildFuzzers(bits: FuzzBits, wamr: string): void {
  console.log(`device: building fuzzers for ${bits} bits`);
  const build = layout.build(bits === 64 ? 'fuzz64' : 'fuzz32');
  const compilers = ['-DCMAKE_C_COMPILER=clang', '-DCMAKE_ASM_COMPILER=clang'];
  const options = ['-DYG_FUZZ=ON', '-DYG_SANITIZE=ON', `-DYG_BITS=${bits}`, `-DWAMR_ROOT_DIR=${wamr}`];
  const configure = ['-S', layout.sources, '-B', build, '-G', 'Unix Makefiles', '--log-level=WARNING'];
  run('cmake', [...configure, ...compilers, ...options], 'ignore');
  run('cmake', ['--build', build, '--parallel', String(availableParallelism())], 'inherit');
}
