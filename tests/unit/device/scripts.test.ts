import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlainValue } from '../../../device/client/index.ts';
import { makeModule } from '../../../device/native/make-module.ts';
import { deploy } from '../../../device/scripts/deploy.ts';
import { Native } from '../../../device/sdk/natives.ts';
import { ScriptRuntime } from '../../../device/virtual/scripts/runtime.ts';
import { carryOutScriptCommand } from '../../../device/virtual/scripts/script-commands.ts';
import { createScriptFiles } from '../../../device/virtual/scripts/store.ts';
import { FakeClock } from '../../support/clock.ts';
import {
  beacon,
  failing,
  keeper,
  LOOP,
  owner,
  ownerKey,
  scriptModule,
  signedScript,
  stranger,
  TRAP,
} from '../../support/scripts.ts';

let folder: string;
let clock: FakeClock;
let published: [name: string, value: number | string][];
let runtime: ScriptRuntime;

/** Starts the device as after a loss of power: only its files are what they were. */
function restart(key: Uint8Array | null = ownerKey): void {
  runtime?.halt();
  const device = {
    board: { readSensor: () => 21, hasActuator: () => true, pins: new Uint8Array(4) },
    setActuator: () => {},
    publish: (name: string, value: number | string) => void published.push([name, value]),
    log: () => {},
  };
  runtime = new ScriptRuntime({ ownerKey: key }, { store: createScriptFiles(folder), clock, device });
  runtime.run();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-scripts-'));
  clock = new FakeClock();
  published = [];
  restart();
});
afterEach(() => {
  runtime.halt();
  rmSync(folder, { recursive: true });
});

function give(name: string, args: Record<string, PlainValue> = {}) {
  const description = { platform: 'p', firmware: 'f', commands: ['x'] };
  const result = carryOutScriptCommand({ name, arguments: args }, runtime, description);
  if (result === null) throw new Error(`${name} is no command for scripts`);
  return result;
}
const client = {
  command: async (_to: string, name: string, args: Record<string, PlainValue> = {}) => give(name, args),
};
const install = ({ manifest, ...script }: ReturnType<typeof signedScript>) =>
  deploy(client, '', { ...script, manifestBytes: manifest });
const list = () => give('ListScripts').values;
const codeOf = (name: string, args?: Record<string, PlainValue>) => give(name, args).error?.code;

describe('a script on the virtual device', () => {
  it('is deployed, called, stopped over a restart, started and removed', async () => {
    expect(await install(signedScript('keep', keeper(7)))).toEqual({ name: 'keep', version: 1 });
    expect(give('Script_keep')).toEqual({ error: null, values: { kept: 7 } });
    expect(list()).toEqual({
      count: 1,
      'keep.version': 1,
      'keep.state': 'running',
      'keep.error': '',
      'keep.calls': 2,
      'keep.memory_bytes': 512,
      'keep.imports': '11,10,13',
    });
    expect(give('script.stop', { name: 'keep' }).values).toEqual({ state: 'stopped' });
    restart();
    expect(codeOf('Script_keep')).toBe('script_not_running');
    expect(give('script.start', { name: 'keep' }).values).toEqual({ state: 'running' });
    expect(give('script.remove', { name: 'keep' }).error).toBeNull();
    restart();
    expect([list(), codeOf('Script_keep')]).toEqual([{ count: 0 }, 'script_not_found']);
  });

  it('is resumed at the part that a restart came before', () => {
    const { manifest, signature, module } = signedScript('keep', keeper(1));
    give('script.begin', { manifest, signature });
    give('script.chunk', { offset: 0, data: module.slice(0, 50) });
    restart();
    expect(give('script.begin', { manifest, signature }).values).toEqual({ offset: 50 });
    expect(give('script.chunk', { offset: 20, data: module.slice(20, 40) }).values).toEqual({ offset: 50 });
    expect(give('script.chunk', { offset: 51, data: module.slice(51) })).toMatchObject({
      error: { code: 'script_chunk_order_wrong' },
      values: { offset: 50 },
    });
    give('script.chunk', { offset: 50, data: module.slice(50) });
    expect(give('script.commit').values).toEqual({ name: 'keep', version: 1 });
  });

  it('keeps its numbers over a new version and a restart, and loses them when it is removed', async () => {
    const asking = scriptModule(
      [Native.STORAGE_GET, Native.ANSWER],
      (call) => ({
        COMMAND: [...call(Native.STORAGE_GET, 64, 24, 0), ...call(Native.ANSWER, 64, 24, 0)],
      }),
      { data: [[60, [8, 0, 0, 0, ...[...'kept'].flatMap((c) => [c.charCodeAt(0), 0])]]] },
    );
    await install(signedScript('keep', keeper(7)));
    await install(signedScript('keep', asking, { version: 2 }));
    restart();
    expect(give('Script_keep').values).toEqual({ kept: 7 });
    give('script.remove', { name: 'keep' });
    await install(signedScript('keep', asking, { version: 2 }));
    expect(give('Script_keep').values).toEqual({ kept: 0 });
  });

  it.each([
    ['loops', LOOP, 'time_limit'],
    ['traps', TRAP, 'trapped'],
  ])('that %s is stopped and reported, and the others run on', async (_, body, fault) => {
    await install(signedScript('bad', failing(body)));
    await install(signedScript('good', beacon('alive', 100)));
    expect(codeOf('Script_bad')).toBe('script_stopped');
    expect(list()).toMatchObject({ 'bad.state': 'failed', 'bad.error': fault, 'good.state': 'running' });
    expect(published).toContainEqual(['script.bad.state', 'failed']);
    clock.advance(1000);
    expect(published.filter(([name]) => name === 'alive')).toHaveLength(10);
    expect(codeOf('Script_bad')).toBe('script_not_running');
    expect(give('script.start', { name: 'bad' }).values).toEqual({ state: 'running' });
  });

  it('is called no more often, and sends no more, than its manifest says', async () => {
    await install(signedScript('fast', beacon('x', 10), { callsPerSecondMax: 5, bytesPerMinuteMax: 9 * 12 }));
    clock.advance(999);
    expect(list()).toMatchObject({ 'fast.calls': 1 + 5 });
    expect(codeOf('Script_fast')).toBe('script_rate_limited');
    clock.advance(30_000);
    expect(published).toHaveLength(12);
    clock.advance(60_000);
    expect(published).toHaveLength(24);
  });

  it('of the highest priority is called first', async () => {
    await install(signedScript('low', beacon('low', 100), { priority: 1 }));
    await install(signedScript('high', beacon('high', 100), { priority: 6 }));
    clock.advance(100);
    expect(published.map(([name]) => name)).toEqual(['high', 'low']);
  });
});

describe('a script that the device does not take', () => {
  const good = keeper(1);
  const withByte = (bytes: Uint8Array, index: number) => bytes.with(index, (bytes[index] ?? 0) ^ 1);
  const begun = ({ manifest, signature }: ReturnType<typeof signedScript>) =>
    ['script.begin', { manifest, signature }] as const;
  const refusedAtBegin: [string, () => readonly [string, Record<string, PlainValue>]][] = [
    ['script_signature_wrong', () => begun(signedScript('a', good, {}, stranger))],
    [
      'script_signature_wrong',
      () => {
        const { manifest, signature } = signedScript('a', good);
        return ['script.begin', { manifest: withByte(manifest, 12), signature }];
      },
    ],
    [
      'script_manifest_malformed',
      () => ['script.begin', { manifest: good.slice(0, 9), signature: good.slice(0, 64) }],
    ],
    ['script_version_old', () => begun(signedScript('keep', good))],
    ['script_chunk_order_wrong', () => ['script.chunk', { offset: 0, data: good }]],
    ['script_chunk_order_wrong', () => ['script.commit', {}]],
    ['command_argument_wrong', () => ['script.chunk', { offset: -1, data: good }]],
    ['command_argument_wrong', () => ['Script_keep', { text: 'no' }]],
    ['script_not_found', () => ['script.remove', { name: 'nobody' }]],
  ];

  it.each(refusedAtBegin)('is refused with %s, and nothing changes', async (code, command) => {
    await install(signedScript('keep', good));
    const before = list();
    expect(codeOf(...command())).toBe(code);
    expect(list()).toEqual(before);
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
    async (code, module, settings = {}) => {
      await install(signedScript('keep', good));
      const before = list();
      await expect(install(signedScript('keep', module, { version: 2, ...settings }))).rejects.toMatchObject({
        code,
      });
      expect([list(), give('Script_keep').values]).toEqual([before, { kept: 1 }]);
      expect(codeOf('script.commit')).toBe('script_chunk_order_wrong');
    },
  );

  it('is refused when its bytes are not those of the manifest, too many or too few', () => {
    const { manifest, signature, module } = signedScript('a', good);
    give('script.begin', { manifest, signature });
    expect(codeOf('script.chunk', { offset: 0, data: new Uint8Array(module.length + 1) })).toBe(
      'script_size_wrong',
    );
    give('script.chunk', { offset: 0, data: module.slice(1) });
    expect(codeOf('script.commit')).toBe('script_size_wrong');
    give('script.chunk', { offset: module.length - 1, data: Uint8Array.of(9) });
    expect(codeOf('script.commit')).toBe('script_hash_wrong');
    expect(give('script.begin', { manifest, signature }).values).toEqual({ offset: 0 });
  });

  it('is refused where four are there, and where the device has no key', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await install(signedScript(name, good));
    expect(codeOf(...begun(signedScript('e', good)))).toBe('script_no_room');
    expect(codeOf(...begun(signedScript('a', good, { version: 2 })))).toBeUndefined();
    restart(null);
    expect(codeOf(...begun(signedScript('e', good)))).toBe('script_key_missing');
    expect(list()).toEqual({ count: 0 });
  });

  it('is not run after a restart when its file was changed', async () => {
    await install(signedScript('keep', good));
    writeFileSync(join(folder, 'keep.ygs'), withByte(signedScript('keep', good, {}, owner).bytes, 200));
    restart();
    expect(list()).toEqual({ count: 0 });
  });
});
