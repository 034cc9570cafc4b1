/** Counts with tokenizers of models, in threads that are ended when they take too long. */
import { Worker } from 'node:worker_threads';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import {
  COUNT_TIMEOUT_MS,
  EXAMINATION_TIMEOUT_MS,
  MODEL_WORKER_HEAP_MEGABYTES_MAX,
  SLOW_COUNT_MS,
} from './limits.ts';
import type { Examination, ModelWorkerAnswer, ModelWorkerQuestion } from './model-messages.ts';

/** Tokenizers of models, each named by the hash of its file. */
export interface ModelTokenizers {
  /**
   * Tokens of each portion, which is the sum of those of its slices. Rejects with `unavailable` where the tokenizer can't be read, or
   * takes too long. `readContent` gives its file, when it isn't in memory.
   */
  countTokens(
    hash: string,
    portions: readonly (readonly string[])[],
    readContent: () => Promise<Uint8Array>,
  ): Promise<readonly number[]>;
  /** Looks at a file in a thread of its own. One at a time. */
  examine(content: Uint8Array, sample: string): Promise<Examination>;
  /** Ends the threads; what is being counted rejects. */
  close(): Promise<void>;
}

/** Milliseconds after which threads are ended, where it isn't the usual time. */
export interface ModelTokenizerTimes {
  readonly countMs: number;
  readonly examineMs: number;
  readonly slowMs: number;
}

const USUAL_TIMES: ModelTokenizerTimes = {
  countMs: COUNT_TIMEOUT_MS,
  examineMs: EXAMINATION_TIMEOUT_MS,
  slowMs: SLOW_COUNT_MS,
};

/** Who waits for an answer. */
interface Waiting {
  readonly resolve: (answer: ModelWorkerAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread with one question at a time. */
class Asked {
  readonly #workerFile: URL;
  readonly #timeoutMs: number;
  #worker: Worker | null = null;
  #waiting: Waiting | null = null;
  #before: Promise<unknown> = Promise.resolve();

  constructor(workerFile: URL, timeoutMs: number) {
    this.#workerFile = workerFile;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks when all that came before is answered. Rejects when the thread ends, or is ended for taking too long. */
  inTurn<T>(
    work: (ask: (question: ModelWorkerQuestion) => Promise<ModelWorkerAnswer>) => Promise<T>,
  ): Promise<T> {
    const mine = this.#before.then(() => work((question) => this.#ask(question)));
    this.#before = mine.then(ignore, ignore);
    return mine;
  }

  async end(): Promise<void> {
    const ending = this.#worker;
    if (ending === null) return;
    this.#ended(ending, new Error('it was closed'));
    await ending.terminate();
  }

  #ask(question: ModelWorkerQuestion): Promise<ModelWorkerAnswer> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise<ModelWorkerAnswer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#ended(worker, new Error('it took too long'));
        void worker.terminate();
      }, this.#timeoutMs);
      this.#waiting = {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      worker.postMessage(question);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#workerFile, {
      resourceLimits: { maxOldGenerationSizeMb: MODEL_WORKER_HEAP_MEGABYTES_MAX },
    });
    // It alone must not keep the process from ending.
    worker.unref();
    worker.on('message', (answer: ModelWorkerAnswer) => {
      this.#waiting?.resolve(answer);
      this.#waiting = null;
    });
    worker.on('error', (error) => this.#ended(worker, error));
    worker.on('exit', (code) => this.#ended(worker, new Error(`its thread ended with code ${code}`)));
    return worker;
  }

  /** The thread is over: the next question starts another. */
  #ended(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}

/** `workerFile` is the built model-worker.ts. */
export function createModelTokenizers(
  workerFile: URL,
  { logger }: { readonly logger: Logger },
  given: Partial<ModelTokenizerTimes> = {},
): ModelTokenizers {
  const times = { ...USUAL_TIMES, ...given };
  const counting = new Asked(workerFile, times.countMs);
  /** Counts with those that were slow once: others needn't wait for them again. */
  const countingSlowly = new Asked(workerFile, times.countMs);
  const slow = new Set<string>();
  const examining = new Asked(workerFile, times.examineMs);
  return {
    countTokens: (hash, portions, readContent) =>
      (slow.has(hash) ? countingSlowly : counting).inTurn(async (ask) => {
        try {
          const question = { kind: 'count', hash, portions } as const;
          const startedMs = performance.now();
          let answer = await ask({ ...question, content: null });
          if (performance.now() - startedMs > times.slowMs) slow.add(hash);
          if (answer.kind === 'missing') answer = await ask({ ...question, content: await readContent() });
          if (answer.kind === 'counted') return answer.tokens;
          throw new Error(answer.kind === 'failed' ? answer.reason : 'it could not be read');
        } catch (error) {
          logger.error(
            { operation: 'tokenizer.count', tokenizer: hash, error },
            'a tokenizer of a model failed',
          );
          throw new AppError('unavailable', 'unavailable', 'The tokens can not be counted right now.', {
            cause: error,
          });
        }
      }),
    examine: (content, sample) =>
      examining.inTurn(async (ask) => {
        try {
          const answer = await ask({ kind: 'examine', content, sample });
          return answer.kind === 'examined' ? answer.examination : { kind: 'unreadable' };
        } catch (error) {
          logger.warn({ operation: 'tokenizer.examine', error }, 'a tokenizer could not be looked at');
          return { kind: 'slow' };
        } finally {
          await examining.end();
        }
      }),
    async close() {
      await Promise.all([counting.end(), countingSlowly.end(), examining.end()]);
    },
  };
}

function ignore(): void {}
