import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What runner.c can do; the numbers are those of its `operation`. */
export const RunnerOperation = {
  OPEN: 1,
  CLOSE: 2,
  IMPORT_KEY: 3,
  SIGN: 4,
  VERIFY: 5,
  SHA256: 6,
  HASH_PARTS: 7,
  PRICE: 8,
  SPLIT: 9,
  WEIGH: 10,
  UPDATE_QUALITY: 11,
  SCORE: 12,
  COMMAND: 13,
  SIGN_REPEATEDLY: 14,
  STACK_USED: 15,
  LOAD: 16,
  CALL: 17,
  ADMIT: 18,
  READ_MEMORY: 19,
  LIMIT: 20,
  FIND_REMAINS: 21,
  TASKS: 22,
  FOREIGN_TASK: 23,
} as const;

/** `yg_status` of device/core/yg_status.h, by name. */
export const DeviceStatus = {
  OK: 0,
  OVERFLOW: 1,
  OUT_OF_RANGE: 2,
  TAG_MISMATCH: 3,
  EMPTY: 4,
  UNKNOWN_OPERATION: 5,
  INVALID_MODULE: 16,
  WRONG_KIND: 17,
  ABI_MISMATCH: 18,
  NO_MEMORY: 19,
  MODULE_TOO_LARGE: 32,
  IMPORT_NOT_ALLOWED: 33,
  MEMORY_GROWS: 34,
  MEMORY_LIMIT: 35,
  HEAP_BASE: 36,
  FIRST_GLOBAL: 37,
  RUNS_AT_LOAD: 38,
  INSTRUCTION_NOT_ALLOWED: 39,
  INSTRUCTION_LIMIT: 48,
  TRAPPED: 49,
  REFUSED: 50,
  TIME_LIMIT: 51,
  QUEUE_FULL: 64,
} as const;

/** One request to a runner. */
export interface RunnerRequest {
  readonly operation: number;
  readonly payload: Uint8Array;
}

/** What a runner answered: the status, the instructions it took (0 where they aren't counted), the result. */
export interface RunnerAnswer {
  readonly status: number;
  readonly instructions: number;
  readonly result: Uint8Array;
}

/** A run of a runner: one answer a request, fewer if it died. */
export interface RunnerRun {
  readonly answers: readonly RunnerAnswer[];
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** How to start a runner; it reads `requests.bin` and writes `answers.bin` in its working directory. */
export interface RunnerCommand {
  readonly program: string;
  readonly args: readonly string[];
}

const RUN_MS_MAX = 540_000;

/** Runs requests one after another in one process, and returns what was answered up to its end. */
export function runRequests(command: RunnerCommand, requests: readonly RunnerRequest[]): RunnerRun {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-runner-'));
  try {
    writeFileSync(join(folder, 'requests.bin'), encodeRequests(requests));
    writeFileSync(join(folder, 'answers.bin'), '');
    const { status, stderr, error } = spawnSync(command.program, command.args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
      maxBuffer: 16 * 1024 * 1024,
    });
    if (error !== undefined) throw error;
    return { answers: decodeAnswers(readFileSync(join(folder, 'answers.bin'))), exitCode: status, stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs requests and throws unless each was answered. */
export function requireAnswers(
  command: RunnerCommand,
  requests: readonly RunnerRequest[],
): readonly RunnerAnswer[] {
  const { answers, exitCode, stderr } = runRequests(command, requests);
  if (exitCode !== 0 || answers.length !== requests.length) {
    throw new Error(
      `${command.program} ended with code ${exitCode} after ${answers.length} of ${requests.length} requests. ${stderr}`,
    );
  }
  return answers;
}

function encodeRequests(requests: readonly RunnerRequest[]): Buffer {
  return Buffer.concat(
    requests.flatMap(({ operation, payload }) => {
      const head = Buffer.alloc(8);
      head.writeUInt32LE(operation, 0);
      head.writeUInt32LE(payload.length, 4);
      return [head, payload];
    }),
  );
}

function decodeAnswers(bytes: Buffer): RunnerAnswer[] {
  const answers: RunnerAnswer[] = [];
  let at = 0;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + bytes.readUInt32LE(at + 8);
    if (end > bytes.length) break;
    answers.push({
      status: bytes.readUInt32LE(at),
      instructions: bytes.readUInt32LE(at + 4),
      result: bytes.subarray(at + 12, end),
    });
    at = end;
  }
  return answers;
}
