import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installModel } from '../../device/demo/model.ts';
import { asId, type TenantId } from '../../server/kernel/ids.ts';
import { createModelTokenizers } from '../../server/platform/tokenizer/model-tokenizers.ts';
import { modelTokenizerWorker } from '../support/core.ts';
import { silentLogger } from '../support/logger.ts';
import { createExactCounter } from '../support/tokenizer.ts';
import { multilingualTexts } from './multilingual.ts';

const run = promisify(execFile);
const PYTHON = process.env.YGGDRASIL_FOREIGN_PYTHON ?? 'python3';
const LIBRARY = 'tokenizers==0.23.3';
const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-tokenizer-'));
const tokenizers = createModelTokenizers(modelTokenizerWorker, { logger: silentLogger });
const texts = multilingualTexts();
let content: Uint8Array;
let reference: Readonly<Record<string, readonly number[]>>;

beforeAll(async () => {
  const model = resolve('build/demo-model');
  const { args } = await installModel({
    folder: model,
    python: PYTHON,
    say: () => {},
    signal: new AbortController().signal,
  });
  const library = resolve('build/foreign-tokenizers');
  const python = join(model, 'bin', 'python');
  if (!existsSync(library))
    await run(python, ['-m', 'pip', 'install', '--quiet', '--target', library, LIBRARY]);
  const [textsFile, tokenizerFile, countsFile] = ['texts.json', 'tokenizer.json', 'counts.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(textsFile, JSON.stringify(texts));
  const gguf = args[args.indexOf('--model') + 1] ?? '';
  const script = resolve('tests/foreign/model-tokenizer.py');
  await run(python, [script, gguf, textsFile, tokenizerFile, countsFile], {
    env: { ...process.env, PYTHONPATH: library },
  });
  content = readFileSync(tokenizerFile);
  reference = JSON.parse(readFileSync(countsFile, 'utf8'));
});
afterAll(async () => {
  await tokenizers.close();
  rmSync(folder, { recursive: true });
});

it.each(['tokenizers', 'llama.cpp'])('counts a real model’s tokens exactly as %s does', async (library) => {
  const counter = createExactCounter({
    tokenizerOf: () => 'smollm2',
    countTokens: (hash, portions) => tokenizers.countTokens(hash, portions, async () => content),
  });
  const tenantId = asId<TenantId>('tenant');
  const counted = await Promise.all(texts.map((text) => counter.countText(tenantId, text, 'smollm2')));
  expect(counter.countedBy('smollm2')).toBe('smollm2');
  expect(counted).toEqual(reference[library]);
});

it('takes the file for a tokenizer that counts fast enough', async () => {
  expect(await tokenizers.examine(content, 'Hello')).toMatchObject({ kind: 'good' });
});
