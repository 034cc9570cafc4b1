// `npm run device:gate`: what the core costs on a microcontroller, measured on emulated rv32imc, against ceilings.
import { existsSync, readFileSync } from 'node:fs';
import ceilings from './ceilings.json' with { type: 'json' };
import { failedCeilings } from './ceilings.ts';
import { espSizes } from './esp-image.ts';
import { type HostileModule, hostileModules } from './hostile.ts';
import { layout, type Profile, profiles, runnerCommand } from './layout.ts';
import { codeBytes, type MapEntry, readLinkerMap, variableBytes } from './linker-map.ts';
import * as requests from './requests.ts';
import { DeviceStatus, type RunnerAnswer, requireAnswers, runRequests } from './runner.ts';
import { EXAMPLES, measureExample, type ScriptFootprint } from './script-footprint.ts';
import { extremes, functions, importKey, signedCommand, type Work } from './workload.ts';

const POOL_BYTES_MAX = 32_768;
const STACK_BYTES_MAX = 4096;
/** So that functions with many locals can be called. */
const HOSTILE_STACK_BYTES = 8192;
/** WAMR's pool is aligned to 8 bytes, its stack to 4. */
const POOL_STEP_BYTES = 8;
const STACK_STEP_BYTES = 4;
/** One instruction a cycle at the ESP32-C3's clock: a lower bound of the time, not a measurement. */
const CLOCK_HZ = 160e6;

process.exitCode = await main(process.argv.includes('--json'));

async function main(isJson: boolean): Promise<number> {
  if (
    !existsSync(`${layout.build('rv32')}/runner`) ||
    !existsSync(`${layout.build('rv32')}/script-footprint`) ||
    !existsSync(`${layout.build('esp32c3')}/firmware.elf`) ||
    !profiles.every((profile) => existsSync(layout.module(profile)))
  ) {
    console.error(
      'gate: build/device/rv32/runner or a module of the device is missing. Run npm run device:build first.',
    );
    return 3;
  }
  if (!isJson) console.log('gate: searching the smallest stack and the smallest pool on emulated rv32imc');
  const map = readLinkerMap(readFileSync(`${layout.build('rv32')}/runner.map`, 'utf8'));
  const small = measureProfile('device', map);
  const gateway = measureProfile('device-gateway', map);
  const worst = findDearest(hostileModules());
  const scripts: ScriptFootprint[] = [];
  for (const name of EXAMPLES) {
    scripts.push(
      await measureExample(name, (isEnough) => findSmallest(STACK_BYTES_MAX / 2, STACK_STEP_BYTES, isEnough)),
    );
  }
  const figures = {
    ...small.figures,
    gatewayRamBytes: gateway.figures.ramBytes,
    instructionsPerMeteredOne: worst.instructionsPerMeteredOne,
    ...espSizes(),
    scriptRamBytes: Math.max(...scripts.map(({ ramBytes }) => ramBytes)),
    scriptStartInstructions: Math.max(...scripts.map(({ startInstructions }) => startInstructions)),
  };
  if (!isJson) {
    printRam('device.wasm', small.figures, ceilings.ramBytes);
    printRam('device-gateway.wasm', gateway.figures, ceilings.gatewayRamBytes);
    printTable(small, map);
    printRow(
      'hostile module, a metered one',
      worst.instructionsPerMeteredOne,
      '',
      `${worst.name}   ceiling ${ceilings.instructionsPerMeteredOne}`,
    );
    for (const script of scripts) printScript(script);
    console.log('\nFirmware for the ESP32-C3, without ESP-IDF; its format is checked, it never ran');
    printRow('code and constants', figures.espImageBytes, 'B', `ceiling ${ceilings.espImageBytes}`);
    printRow('variables', figures.espRamBytes, 'B', `ceiling ${ceilings.espRamBytes}`);
  }
  const failures = failedCeilings(figures, ceilings);
  for (const name of failures) {
    console.error(`gate: ${name} is ${figures[name]}, it must be above 0 and below ${ceilings[name]}`);
  }
  if (isJson) console.log(JSON.stringify(figures));
  return failures.length === 0 ? 0 : 1;
}

interface Figures {
  readonly profile: Profile;
  readonly ramBytes: number;
  readonly poolBytes: number;
  readonly wasmStackBytes: number;
  readonly linearBytes: number;
  readonly imageBytes: number;
  readonly staticBytes: number;
  readonly stackBytes: number;
  readonly wamrTextBytes: number;
  readonly commandInstructions: number;
}

interface Measured {
  readonly figures: Figures;
  readonly work: readonly Work[];
  readonly answers: readonly RunnerAnswer[];
}

/** What the core of a profile needs, and what it takes for everything it can do. */
function measureProfile(profile: Profile, map: readonly MapEntry[]): Measured {
  const module = readFileSync(layout.module(profile));
  const wasmStackBytes = findSmallest(STACK_BYTES_MAX, STACK_STEP_BYTES, (bytes) =>
    works(POOL_BYTES_MAX, bytes, module),
  );
  const poolBytes = findSmallest(POOL_BYTES_MAX, POOL_STEP_BYTES, (bytes) =>
    works(bytes, wasmStackBytes, module),
  );
  const work = [importKey, signedCommand, ...functions, ...extremes];
  const answers = requireAnswers(runnerCommand('rv32', true), [
    requests.open(poolBytes, wasmStackBytes, module),
    ...work.map(({ request }) => request),
    requests.stackUsed(),
  ]);
  const isLinear = ({ section }: MapEntry) => section === '.bss.linear_memory';
  const isHarness = ({ section }: MapEntry) => section.includes('.harness_');
  const staticBytes = variableBytes(map.filter((entry) => !isLinear(entry) && !isHarness(entry)));
  const opened = Buffer.from(answers[0]?.result ?? []);
  const imageBytes = opened.readUInt32LE(0);
  const linearBytes = opened.readUInt32LE(4);
  const figures: Figures = {
    profile,
    ramBytes: poolBytes + linearBytes + imageBytes + staticBytes,
    poolBytes,
    wasmStackBytes,
    linearBytes,
    imageBytes,
    staticBytes,
    stackBytes: Buffer.from(answers.at(-1)?.result ?? []).readUInt32LE(),
    wamrTextBytes: codeBytes(map.filter(({ object }) => object.includes('libwamr.a'))),
    commandInstructions: answers[1 + work.indexOf(signedCommand)]?.instructions ?? Number.NaN,
  };
  return { figures, work, answers };
}

/**
 * The module that takes the processor the most instructions for one that it is charged for. Throws when one isn't loaded,
 * or ends otherwise than by its limit or a trap, because then it says nothing.
 */
function findDearest(modules: readonly HostileModule[]): { name: string; instructionsPerMeteredOne: number } {
  const REQUESTS_EACH = 4;
  const answers = requireAnswers(
    runnerCommand('rv32', true),
    modules.flatMap(({ module, instructions }) => [
      requests.load(POOL_BYTES_MAX, HOSTILE_STACK_BYTES, module),
      requests.limit(instructions, 0),
      requests.call(0, 0, 0),
      requests.close(),
    ]),
  );
  const costs = modules.map(({ name, instructions }, i) => {
    const [loaded, , called] = answers.slice(i * REQUESTS_EACH);
    const isStopped =
      called?.status === DeviceStatus.INSTRUCTION_LIMIT || called?.status === DeviceStatus.TRAPPED;
    if (loaded?.status !== DeviceStatus.OK || !isStopped) {
      throw new Error(`${name}: loading answers ${loaded?.status}, calling ${called?.status}`);
    }
    return { name, instructionsPerMeteredOne: Math.ceil(called.instructions / instructions) };
  });
  return costs.reduce((worst, one) =>
    one.instructionsPerMeteredOne > worst.instructionsPerMeteredOne ? one : worst,
  );
}

/** Whether the core opens and does everything it can in this little memory. */
function works(poolBytes: number, wasmStackBytes: number, module: Uint8Array): boolean {
  const all = [
    requests.open(poolBytes, wasmStackBytes, module),
    ...[importKey, signedCommand, ...functions, ...extremes].map(({ request }) => request),
  ];
  const { answers } = runRequests(runnerCommand('rv32'), all);
  return answers.length === all.length && answers.every(({ status }) => status === 0);
}

function findSmallest(most: number, step: number, isEnough: (bytes: number) => boolean): number {
  if (!isEnough(most)) throw new Error(`The core doesn't work with ${most} bytes either.`);
  let tooFew = 0;
  let enough = most;
  while (enough - tooFew > step) {
    const middle = tooFew + Math.floor((enough - tooFew) / 2 / step) * step;
    if (isEnough(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

function printRow(name: string, value: number, unit: string, note = ''): void {
  console.log(
    `  ${name.padEnd(34)}${value.toLocaleString('en').padStart(12)} ${unit}${note && `   ${note}`}`,
  );
}

function printRam(module: string, figures: Figures, ceilingBytes: number): void {
  console.log(`\nRAM of the runtime with ${module} loaded (rv32imc, emulated)`);
  printRow(
    'pool, smallest that works',
    figures.poolBytes,
    'B',
    `of it WebAssembly stack: ${figures.wasmStackBytes}`,
  );
  printRow('linear memory', figures.linearBytes, 'B', 'tables of the profile, whole pages of 256');
  printRow(
    'module image',
    figures.imageBytes,
    'B',
    'without its data; writable, because the interpreter rewrites it',
  );
  printRow('static data', figures.staticBytes, 'B');
  printRow('sum', figures.ramBytes, 'B', `ceiling ${ceilingBytes}`);
  printRow('C stack, high-water mark', figures.stackBytes, 'B', 'on top; the caller has it anyway');
  printRow('sum with the C stack', figures.ramBytes + figures.stackBytes, 'B');
}

function printScript(script: ScriptFootprint): void {
  console.log(`\nScript ${script.name}, a module of ${script.moduleBytes} B`);
  printRow('pool: module as WAMR reads it', script.parsedBytes, 'B', 'types, imports, functions, exports');
  printRow('pool: its instance', script.instanceBytes, 'B');
  printRow(
    'pool: environment of its calls',
    script.environmentBytes,
    'B',
    `its stack is ${script.stackBytes}`,
  );
  printRow('module image', script.imageBytes, 'B', 'without its data');
  printRow('entry in the list of scripts', script.entryBytes, 'B', 'limits, timers, state');
  printRow('sum', script.ramBytes, 'B', `ceiling ${ceilings.scriptRamBytes}`);
  printRow('linear memory', script.memoryBytes, 'B', 'on top: what the script itself has');
  const ms = ((script.startInstructions / CLOCK_HZ) * 1000).toFixed(2);
  printRow(
    'loading and starting it',
    script.startInstructions,
    '',
    `instructions, at least ${ms} ms at 160 MHz   ceiling ${ceilings.scriptStartInstructions}`,
  );
}

function printTable({ figures, work, answers }: Measured, map: readonly MapEntry[]): void {
  const row = printRow;
  console.log('\nFlash');
  row("WAMR's code and constants", figures.wamrTextBytes, 'B', `ceiling ${ceilings.wamrTextBytes}`);
  row('whole image', codeBytes(map), 'B', 'with C library and test runner, without the module');
  console.log('\nInstructions of the processor');
  for (const [index, { name, request }] of work.entries()) {
    if (functions.some((one) => one.request === request) && index === 0) continue;
    const instructions = answers[index + 1]?.instructions ?? Number.NaN;
    const note = request === signedCommand.request ? `ceiling ${ceilings.commandInstructions}` : '';
    row(
      name,
      instructions,
      '',
      `at least ${((instructions / CLOCK_HZ) * 1000).toFixed(2)} ms at 160 MHz   ${note}`,
    );
  }
}
