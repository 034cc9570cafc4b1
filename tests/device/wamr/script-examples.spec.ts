import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type DeviceCommand,
  type DeviceCommandResult,
  decodeCommandResult,
} from '../../../device/client/index.ts';
import { layout } from '../../../device/native/layout.ts';
import { requireAnswers } from '../../../device/native/runner.ts';
import { compileExample } from '../../../device/native/script-footprint.ts';
import * as device from '../../../device/native/script-runner.ts';
import { ScriptRuntime } from '../../../device/virtual/scripts/runtime.ts';
import { carryOutScriptCommand } from '../../../device/virtual/scripts/script-commands.ts';
import { createScriptFiles } from '../../../device/virtual/scripts/store.ts';
import { FakeClock } from '../../support/clock.ts';
import { ownerKey, signedScript } from '../../support/scripts.ts';

const PIN = 5;
/** A command that is given to the script, or how warm it is and how long that lasts. */
type Step =
  | { readonly call: DeviceCommand['arguments'] }
  | { readonly celsius: number; readonly forMs: number };
/** What the script answered, or how the LED is afterwards. */
type Seen = { code: string | null; values: Record<string, unknown> } | { led: number };

const STEP_MS = 10;

function commandsFor(module: Uint8Array, memoryBytes: number): DeviceCommand[] {
  const { manifest, signature } = signedScript('example', module, { memoryBytes });
  return [
    { name: 'script.begin', arguments: { manifest, signature } },
    { name: 'script.chunk', arguments: { offset: 0, data: module } },
    { name: 'script.commit', arguments: {} },
  ];
}
const seenResult = ({ error, values }: DeviceCommandResult): Seen => ({
  code: error?.code ?? null,
  values: { ...values },
});

/** Runs a script under WAMR. */
function inC(deploying: readonly DeviceCommand[], steps: readonly Step[]): Seen[] {
  const requests = [device.start(ownerKey, readFileSync(layout.module('device')))];
  requests.push(...deploying.map(({ name, arguments: args }) => device.command(0, name, args)));
  const looks: number[] = [];
  let nowMs = 0;
  for (const step of steps) {
    if ('call' in step) {
      requests.push(device.command(nowMs, 'Script_example', step.call));
    } else {
      requests.push(device.board(step.celsius, 40, false));
      for (let ms = STEP_MS; ms <= step.forMs; ms += STEP_MS) requests.push(device.run(nowMs + ms));
      nowMs += step.forMs;
      requests.push(device.board(step.celsius, 40, false));
    }
    looks.push(requests.length - 1);
  }
  const answers = requireAnswers(device.scriptRunnerCommand('sanitized'), requests);
  return looks.map((at, i) => {
    const result = answers[at]?.result ?? new Uint8Array();
    if ('call' in (steps[i] as Step)) return seenResult(decodeCommandResult(result));
    return { led: Buffer.from(result).readDoubleLE(0) };
  });
}

/** Runs a script in V8. */
function inV8(deploying: readonly DeviceCommand[], steps: readonly Step[]): Seen[] {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-scripts-'));
  const clock = new FakeClock(0);
  const board = { celsius: 20.5, led: 0 };
  const runtime = new ScriptRuntime(
    { ownerKey },
    {
      store: createScriptFiles(folder),
      clock,
      device: {
        board: {
          readSensor: (name) => (name === 'sensor.temperature' ? board.celsius : null),
          hasActuator: (name) => name === 'led',
          pins: new Uint8Array(40),
        },
        setActuator: (_, value) => {
          board.led = value;
        },
        publish: () => {},
        log: () => {},
      },
    },
  );
  onTestFinished(() => {
    runtime.halt();
    rmSync(folder, { recursive: true });
  });
  runtime.run();
  const give = (command: DeviceCommand): Seen => {
    const description = { platform: '', firmware: '', commands: [] };
    return seenResult(carryOutScriptCommand(command, runtime, description) as DeviceCommandResult);
  };
  for (const command of deploying) give(command);
  return steps.map((step) => {
    if ('call' in step) return give({ name: 'Script_example', arguments: step.call });
    board.celsius = step.celsius;
    clock.advance(step.forMs);
    return { led: board.led };
  });
}

const done = (values: Record<string, number>): Seen => ({ code: null, values });
const refusedWith = (status: number): Seen => ({ code: 'script_refused', values: { status } });
const led = (value: number): Seen => ({ led: value });
const wait = (forMs: number, celsius = 20.5): Step => ({ celsius, forMs });

describe.each([
  ['under WAMR', inC],
  ['in V8', inV8],
])('the example %s', (_, run) => {
  it.each<['led' | 'hysteresis' | 'remote', string, [Step, Seen][]]>([
    [
      'led',
      'blinks, and obeys',
      [
        [wait(500), led(1)],
        [wait(500), led(0)],
        [{ call: { on: true } }, done({ on: 1 })],
        [wait(1000), led(1)],
        [{ call: { period_ms: 100 } }, done({ on: 1 })],
        [wait(100), led(0)],
        [{ call: { period_ms: 5 } }, refusedWith(1)],
        [{ call: { on: false } }, done({ on: 0 })],
        [wait(1000), led(0)],
      ],
    ],
    [
      'hysteresis',
      'heats below one temperature and stops above another',
      [
        [wait(200, 21), led(0)],
        [wait(200, 19.9), led(1)],
        [wait(200, 21.9), led(1)],
        [wait(200, 22.1), led(0)],
        [{ call: { low: 25, high: 26 } }, done({ low: 25, high: 26, heating: 0 })],
        [wait(200, 24), led(1)],
        [{ call: { low: 26, high: 25 } }, refusedWith(1)],
        [{ call: {} }, done({ low: 25, high: 26, heating: 1 })],
      ],
    ],
    [
      'remote',
      'sets and reads pins',
      [
        [{ call: { pin: PIN } }, done({ level: 0 })],
        [{ call: { pin: PIN, level: true } }, done({ level: 1 })],
        [{ call: { pin: PIN } }, done({ level: 1 })],
        [{ call: { pin: 77 } }, refusedWith(1)],
      ],
    ],
  ])('%s %s', async (name, __, expected) => {
    const { module, memoryBytes } = await compileExample(name);
    expect(
      run(
        commandsFor(module, memoryBytes),
        expected.map(([step]) => step),
      ),
    ).toEqual(expected.map(([, seen]) => seen));
  });
});
