/** Counts tokens in a thread of its own, so that long text keeps nobody waiting. */
import { Worker } from 'node:worker_threads';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { WORKER_HEAP_MEGABYTES_MAX } from './limits.ts';

/** The tokenizer of o200k_base, in another thread. */
export interface Tokenizer {
  /**
   * Tokens of each portion, which is the sum of those of its slices; one call at a time. Rejects with `unavailable` when the
   * thread ends before it has counted.
   */
  countTokens(portions: readonly (readonly string[])[]): Promise<readonly number[]>;
  /** Ends the thread; what is being counted rejects. */
  close(): Promise<void>;
}

interface Counting {
  readonly resolve: (tokens: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/** `workerFile` is the built worker.ts. The thread begins with the first text; one that has ended is followed by another. */
export function createTokenizer(workerFile: URL, { logger }: { readonly logger: Logger }): Tokenizer {
  let worker: Worker | null = null;
  let counting: Counting | null = null;

  const end = (error: unknown) => {
    worker = null;
    counting?.reject(
      new AppError('unavailable', 'unavailable', 'The tokens can not be counted right now.', {
        cause: error,
      }),
    );
    counting = null;
  };
  const start = () => {
    const started = new Worker(workerFile, {
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MEGABYTES_MAX },
    });
    // It alone must not keep the process from ending.
    started.unref();
    started.on('message', (tokens: readonly number[]) => {
      counting?.resolve(tokens);
      counting = null;
    });
    started.on('error', (error) => {
      logger.error({ operation: 'tokenizer.count', error }, 'the tokenizer ended');
      if (worker === started) end(error);
    });
    started.on('exit', (code) => {
      if (worker === started) end(new Error(`the tokenizer's thread ended with code ${code}`));
    });
    return started;
  };

  return {
    countTokens(portions) {
      return new Promise((resolve, reject) => {
        counting = { resolve, reject };
        worker ??= start();
        worker.postMessage(portions);
      });
    },
    async close() {
      const ending = worker;
      end(null);
      await ending?.terminate();
    },
  };
}
