import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hostileModules } from '../../../device/native/hostile.ts';
import { layout } from '../../../device/native/layout.ts';
import { type ModuleParts, makeModule } from '../../../device/native/make-module.ts';
import { DeviceStatus, requireAnswers } from '../../../device/native/runner.ts';
import { admit as admitOnDevice, scriptRunnerCommand } from '../../../device/native/script-runner.ts';
import { admit } from '../../../device/scripts/admission.ts';
import { SCRIPT_POLICY } from '../../../device/scripts/policy.ts';
import { beacon, keeper } from '../../support/scripts.ts';

const MUTANTS = 20_000;

/** What admission in TypeScript says, in the numbers of C. */
function inTypeScript(module: Uint8Array): readonly number[] {
  const admission = admit(module, SCRIPT_POLICY);
  if (!admission.ok) return [DeviceStatus[admission.reason], 0, 0];
  return [DeviceStatus.OK, admission.memoryBytes, admission.codeBytes];
}

function inC(modules: readonly Uint8Array[]): number[][] {
  return requireAnswers(scriptRunnerCommand('sanitized'), modules.map(admitOnDevice)).map(({ result }) => {
    const bytes = Buffer.from(result);
    return [0, 4, 8].map((offset) => bytes.readUInt32LE(offset));
  });
}

const honest = [keeper(1), beacon('x', 10), makeModule(), readFileSync(layout.module('device'))];

it('says the same of a module in TypeScript and in C, whatever is in it', () => {
  const parts: ModuleParts[] = [
    { memory: null, heapBaseName: 'a', dataEndName: 'b' },
    { memory: null },
    { memory: [0, 1] },
    { memory: [1, 1, 2] },
    { heapBase: 300 },
    { heapBase: 0 },
    { heapBase: 8192 },
    { dataEnd: 5000 },
    { isHeapBaseMutable: true },
    { heapBaseAgainAs: ['__heap_base'] },
    { heapBaseGlobal: [0x7e, 0, 0x42, 0, 0x0b] },
    { mutableGlobal: 7 },
    { hasFirstGlobal: true, mutableGlobal: 7 },
    { alsoExportedAs: ['_start'] },
    { hasStart: true },
    { hasTable: true },
    { data: [[4095, [1, 2]]] },
    { imports: [['yg', '13', 0]], importType: 0 },
    { imports: [['yg', '0', 0]], importType: 0 },
    { imports: [['yg', '1', 2]] },
    { imports: [['yg', '1', 0]], importType: 1 },
  ];
  const modules = [...parts.map(makeModule), ...hostileModules().map(({ module }) => module)];
  expect(inC(modules)).toEqual(modules.map(inTypeScript));
});

it('says the same of honest modules with bytes changed, cut out and put in', () => {
  const seed = Number(process.env.SEED ?? Date.now());
  const mutants = fc.sample(
    fc.tuple(
      fc.nat(honest.length - 1),
      fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom(0, 1, 2)), { minLength: 1, maxLength: 3 }),
    ),
    { numRuns: MUTANTS, seed },
  );
  const modules = mutants.map(([which, edits]) => {
    let bytes = [...(honest[which] ?? [])];
    for (const [position, byte, removed] of edits) {
      bytes = bytes.toSpliced(position % (bytes.length + 1), removed, byte);
    }
    return Uint8Array.from(bytes);
  });
  const said = inC(modules);
  const differing = modules.findIndex((module, i) => String(said[i]) !== String(inTypeScript(module)));
  const module = modules[differing] ?? new Uint8Array();
  const hex = Buffer.from(module).toString('hex');
  expect([differing, said[differing], hex], `SEED=${seed}`).toEqual([-1, undefined, '']);
  const refused = said.filter(([status]) => status !== DeviceStatus.OK).length;
  expect([refused > MUTANTS / 4, refused < MUTANTS]).toEqual([true, true]);
});
