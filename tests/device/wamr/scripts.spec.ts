import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCommandResult, encodeCommand, type PlainValue } from '../../../device/client/index.ts';
import { layout } from '../../../device/native/layout.ts';
import { makeModule } from '../../../device/native/make-module.ts';
import { type RunnerAnswer, type RunnerRequest, requireAnswers } from '../../../device/native/runner.ts';
import * as device from '../../../device/native/script-runner.ts';
import { CHUNK_BYTES_MAX } from '../../../device/scripts/limits.ts';
import {
  beacon,
  failing,
  keeper,
  LOOP,
  ownerKey,
  rememberer,
  signedScript,
  stranger,
  TRAP,
} from '../../support/scripts.ts';

const core = readFileSync(layout.module('device'));
type Step = RunnerRequest;
type Signed = ReturnType<typeof signedScript>;

const give = (name: string, args: Record<string, PlainValue> = {}, atMs = 0) =>
  device.command(atMs, name, args);
const begin = ({ manifest, signature }: Signed) => give('script.begin', { manifest, signature });
/** All commands that deploy a script. */
function install(script: Signed): Step[] {
  const { module } = script;
  const offsets = Array.from(
    { length: Math.ceil(module.length / CHUNK_BYTES_MAX) },
    (_, i) => i * CHUNK_BYTES_MAX,
  );
  const chunks = offsets.map((offset) =>
    give('script.chunk', { offset, data: module.slice(offset, offset + CHUNK_BYTES_MAX) }),
  );
  return [begin(script), ...chunks, give('script.commit')];
}

/** Runs steps on a device of its own and returns the answers of the last ones. */
function last(
  count: number,
  steps: readonly Step[],
  variant: 'host' | 'sanitized' = 'sanitized',
): RunnerAnswer[] {
  const [started, ...answers] = requireAnswers(device.scriptRunnerCommand(variant), [
    device.start(ownerKey, core),
    ...steps,
  ]);
  expect(u32(started)).toBe(1);
  return answers.slice(-count);
}
const u32 = (answer: RunnerAnswer | undefined, index = 0) =>
  Buffer.from(answer?.result ?? []).readUInt32LE(index * 4);
const result = (answer: RunnerAnswer | undefined) => {
  const { error, values } = decodeCommandResult(answer?.result ?? new Uint8Array());
  return { code: error?.code ?? null, values: { ...values } };
};
const text = (answer: RunnerAnswer | undefined) => Buffer.from(answer?.result ?? []).toString();

describe('a script on the host port', () => {
  it('is deployed, called, stopped over a restart, started and removed', () => {
    const answers = last(9, [
      ...install(signedScript('keep', keeper(7))),
      give('Script_keep'),
      give('ListScripts'),
      give('script.stop', { name: 'keep' }),
      device.restart(0),
      give('Script_keep'),
      give('script.start', { name: 'keep' }),
      give('Script_keep'),
      give('script.remove', { name: 'keep' }),
      give('ListScripts'),
    ]);
    expect(answers.filter((_, i) => i !== 3).map(result)).toEqual([
      { code: null, values: { kept: 7 } },
      {
        code: null,
        values: {
          count: 1,
          'keep.version': 1,
          'keep.state': 'running',
          'keep.error': '',
          'keep.calls': 2,
          'keep.memory_bytes': 512,
          'keep.imports': '10,11,13',
        },
      },
      { code: null, values: { state: 'stopped' } },
      { code: 'script_not_running', values: {} },
      { code: null, values: { state: 'running' } },
      { code: null, values: { kept: 7 } },
      { code: null, values: {} },
      { code: null, values: { count: 0 } },
    ]);
  });

  it('runs on while another is deployed, and both after it, the higher priority first', () => {
    const { manifest, signature, module } = signedScript('high', beacon('high', 100), { priority: 6 });
    const [during, deployed, , both] = last(4, [
      ...install(signedScript('low', beacon('low', 100), { priority: 1 })),
      give('script.begin', { manifest, signature }),
      device.run(100),
      give('script.chunk', { offset: 0, data: module }),
      device.run(200),
      device.events(),
      give('script.commit', {}, 200),
      device.run(300),
      device.events(),
    ]);
    expect(text(during)).toBe('low 1 \nlow 1 \n');
    expect(result(deployed)).toEqual({ code: null, values: { name: 'high', version: 1 } });
    expect(text(both)).toBe('high 1 \nlow 1 \n');
  });

  it.each([
    ['loops', LOOP, 'instruction_limit'],
    ['traps', TRAP, 'trapped'],
  ])('that %s is stopped and reported, and gives its memory back', (_, body, fault) => {
    const [before, , , , called, list, events, after, again] = last(9, [
      ...install(signedScript('good', beacon('alive', 100))),
      device.free(),
      ...install(signedScript('bad', failing(body))),
      give('Script_bad'),
      give('ListScripts'),
      device.events(),
      device.free(),
      device.run(100),
    ]);
    expect(result(called).code).toBe('script_stopped');
    expect(result(list).values).toMatchObject({
      'bad.state': 'failed',
      'bad.error': fault,
      'good.state': 'running',
    });
    expect(text(events)).toBe(`script.bad.state failed\nerror bad: ${fault}\n`);
    expect([u32(before), u32(again)]).toEqual([u32(after), 1]);
  });

  it('is called no more often, and sends no more, than its manifest says', () => {
    const ticks = Array.from({ length: 120 }, (_, i) => device.run(i * 10));
    const [list, events] = last(2, [
      ...install(signedScript('fast', beacon('x', 10), { callsPerSecondMax: 5, bytesPerMinuteMax: 9 * 3 })),
      ...ticks.slice(0, 100),
      give('ListScripts', {}, 999),
      device.events(),
    ]);
    expect(result(list).values).toMatchObject({ 'fast.calls': 1 + 5 });
    expect(text(events)).toBe('x 1 \n'.repeat(3));
  });
});

describe('a script that the host port does not take', () => {
  const good = keeper(1);
  const malformed = { manifest: good.slice(0, 9), signature: good.slice(0, 64) };
  it.each<[string, Step]>([
    ['script_signature_wrong', begin(signedScript('a', good, {}, stranger))],
    ['script_manifest_malformed', give('script.begin', malformed)],
    ['script_version_old', begin(signedScript('keep', good))],
    ['script_chunk_order_wrong', give('script.chunk', { offset: 0, data: good })],
    ['script_chunk_order_wrong', give('script.commit')],
    ['command_argument_wrong', give('script.chunk', { offset: -1, data: good })],
    ['command_argument_wrong', give('Script_keep', { text: 'no' })],
    ['script_not_found', give('script.remove', { name: 'nobody' })],
    ['command_unknown', give('door.open')],
  ])('is refused with %s, and nothing changes', (code, step) => {
    const [before, refused, after] = last(3, [
      ...install(signedScript('keep', good)),
      give('ListScripts'),
      step,
      give('ListScripts'),
    ]);
    expect(result(refused).code).toBe(code);
    expect(result(after)).toEqual(result(before));
  });

  it.each<[string, Uint8Array, object?]>([
    ['script_import_not_allowed', makeModule({ imports: [['env', 'x', 0]], importType: 0 })],
    ['script_import_not_allowed', makeModule({ imports: [['yg', '14', 0]], importType: 0 })],
    ['script_import_not_allowed', makeModule({ imports: [['yg', '1', 0]], importType: 1 })],
    ['script_memory_grows', makeModule({ body: [0x41, 0, 0x40, 0] })],
    ['script_heap_base_wrong', makeModule({ heapBase: 500 })],
    ['script_too_large', makeModule({ heapBase: 8192 })],
    ['script_module_invalid', makeModule({ hasStart: true })],
    ['script_module_invalid', good.slice(0, 40)],
    ['script_size_wrong', keeper(1), { memoryBytes: 256 }],
  ])(
    'is refused with %s when all of it is there, and the old version runs on',
    (code, module, settings = {}) => {
      const [refused, called, again] = last(3, [
        ...install(signedScript('keep', good)),
        ...install(signedScript('keep', module, { version: 2, ...settings })),
        give('Script_keep'),
        give('script.commit'),
      ]);
      expect(result(refused).code).toBe(code);
      expect(result(called)).toEqual({ code: null, values: { kept: 1 } });
      expect(result(again).code).toBe('script_chunk_order_wrong');
    },
  );

  it('is refused with script_hash_wrong when its bytes are others', () => {
    const { manifest, signature, module } = signedScript('a', good);
    const [refused] = last(1, [
      give('script.begin', { manifest, signature }),
      give('script.chunk', { offset: 0, data: module.with(20, 1) }),
      give('script.commit'),
    ]);
    expect(result(refused).code).toBe('script_hash_wrong');
  });

  it('is refused where four are there', () => {
    const four = ['a', 'b', 'c', 'd'].flatMap((name) => install(signedScript(name, good)));
    const [refused, list] = last(2, [...four, begin(signedScript('e', good)), give('ListScripts')]);
    expect([result(refused).code, result(list).values.count]).toEqual(['script_no_room', 4]);
  });
});

it('garbage in place of a command is answered, and harms nothing', () => {
  const seed = Number(process.env.SEED ?? Date.now());
  const { manifest, signature, module } = signedScript('other', keeper(2));
  const honest = [
    encodeCommand({ name: 'script.begin', arguments: { manifest, signature } }),
    encodeCommand({ name: 'script.chunk', arguments: { offset: 0, data: module } }),
    encodeCommand({ name: 'Script_keep', arguments: { kept: 1.5, on: true, much: -70_000 } }),
    encodeCommand({ name: 'script.stop', arguments: { name: 'nobody' } }),
  ];
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom(0, 1, 1, 9)), { maxLength: 3 });
  const cases = fc.sample(fc.tuple(fc.nat(honest.length - 1), edits), { numRuns: 5000, seed });
  const commands = cases.map(([which, changes]) => {
    let bytes = [...(honest[which] ?? [])];
    for (const [position, byte, removed] of changes) {
      bytes = bytes.toSpliced(position % (bytes.length + 1), removed, byte);
    }
    return device.rawCommand(0, Uint8Array.from(bytes));
  });
  const steps = [...install(signedScript('keep', keeper(1))), ...commands, give('Script_keep', {}, 5000)];
  const answers = last(commands.length + 1, steps);
  expect(result(answers.at(-1)), `SEED=${seed}`).toEqual({ code: null, values: { kept: 1 } });
  expect(new Set(answers.map((answer) => result(answer).code)).size).toBeGreaterThan(4);
});

describe('a loss of power in any operation of flash, and a second one in what follows', () => {
  const call = { name: 'Script_keep', arguments: {} };
  const keep5 = { ...call, arguments: { kept: 5 } };
  it.each([
    ['a new version', keeper(1), call, signedScript('keep', keeper(2), { version: 2 }).bytes, 8],
    ['a number', rememberer, call, { ...call, arguments: { kept: 9 } }, 3],
    [
      'a removal',
      keeper(1),
      { name: 'ListScripts', arguments: {} },
      { name: 'script.remove', arguments: { name: 'keep' } },
      2,
    ],
  ])(
    'leaves what was there before, or all that came after it: %s',
    (name, module, probe, change, atLeast) => {
      const [answer] = requireAnswers(device.scriptRunnerCommand('host'), [
        device.cuts(
          { ownerKey, core },
          probe,
          signedScript('keep', module).bytes,
          change,
          probe === call ? keep5 : undefined,
        ),
      ]);
      const [operations = 0, losses = 0, secondLosses, failures] = [0, 1, 2, 3].map((index) =>
        u32(answer, index),
      );
      console.log(`${name}: ${operations} operations, ${losses} losses, ${secondLosses} second losses`);
      expect([failures, text(answer).slice(16)]).toEqual([0, '']);
      expect([losses, operations >= atLeast]).toEqual([operations * 3, true]);
      expect(secondLosses).toBeGreaterThan(losses);
    },
  );
});
