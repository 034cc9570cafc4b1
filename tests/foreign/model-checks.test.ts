import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installModel } from '../../device/demo/model.ts';
import { compareAnswers, decisionOf, evidenceOf } from '../../server/domains/checks/evidence.ts';
import { CHECK_TOKENS_MAX } from '../../server/domains/checks/limits.ts';
import { makePrompt } from '../../server/domains/checks/prompts.ts';
import type { CheckedAnswer } from '../../server/domains/checks/types.ts';
import { createSeededRandom } from '../support/random.ts';

const run = promisify(execFile);
const AUDITED_TOKENS = 300;
const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-checks-'));
let answers: Readonly<Record<'reference' | 'honest' | 'coarse', readonly CheckedAnswer[]>>;

beforeAll(async () => {
  const model = resolve('build/demo-model');
  const { args } = await installModel({
    folder: model,
    python: process.env.YGGDRASIL_FOREIGN_PYTHON ?? 'python3',
    say: () => {},
    signal: new AbortController().signal,
  });
  const random = createSeededRandom(2);
  const questions = Array.from({ length: Math.floor(AUDITED_TOKENS / CHECK_TOKENS_MAX) }, (_, seed) => ({
    prompt: makePrompt(() => random.fraction()),
    seed,
    tokensMax: CHECK_TOKENS_MAX,
  }));
  const [coarse, questionsFile, answersFile] = ['coarse.gguf', 'questions.json', 'answers.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(questionsFile, JSON.stringify(questions));
  const gguf = args[args.indexOf('--model') + 1] ?? '';
  const script = resolve('tests/foreign/model-checks.py');
  await run(join(model, 'bin', 'python'), [script, gguf, coarse, questionsFile, answersFile], {
    maxBuffer: 100_000_000,
  });
  answers = JSON.parse(readFileSync(answersFile, 'utf8'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a test decides, and the tokens that it has taken; null: nothing. */
function decide(name: 'honest' | 'coarse', hasLogprobs: boolean) {
  const seen = (answer: CheckedAnswer | undefined): CheckedAnswer => ({
    text: answer?.text ?? '',
    tokens: hasLogprobs ? (answer?.tokens ?? null) : null,
  });
  let evidence = 0;
  let tokens = 0;
  for (const [at, answer] of answers[name].entries()) {
    tokens += answer.tokens?.length ?? 0;
    evidence += evidenceOf(compareAnswers(seen(answer), seen(answers.reference[at])));
    const decision = decisionOf(evidence);
    if (decision !== null) return { decision, tokens };
  }
  return { decision: null, tokens };
}

it.each([true, false])(
  'finds a coarser quantization within 300 audited tokens (logprobs: %s)',
  (hasLogprobs) => {
    const { decision, tokens } = decide('coarse', hasLogprobs);
    expect(decision).toBe('other');
    expect(tokens).toBeLessThanOrEqual(AUDITED_TOKENS);
  },
);

it.each([true, false])(
  'takes the same model under other settings for the same (logprobs: %s)',
  (hasLogprobs) => {
    expect(decide('honest', hasLogprobs).decision).not.toBe('other');
  },
);
