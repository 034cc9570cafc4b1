import { AppError } from '../../kernel/errors.ts';
import { TENANT_TOKENIZERS_MAX, TOKENIZER_BYTES_MAX } from './limits.ts';

/** The file is none. */
export const tokenizerUnreadable = (cause?: unknown): AppError =>
  new AppError(
    'unprocessable',
    'tokenizer_unreadable',
    "The file is no tokenizer.json of Hugging Face's tokenizers that can be counted with.",
    { cause },
  );

/** It is larger than any that is known. */
export const tokenizerTooLarge = (): AppError =>
  new AppError('too_large', 'tokenizer_too_large', `A tokenizer has ${TOKENIZER_BYTES_MAX} bytes at most.`, {
    details: { bytesMax: TOKENIZER_BYTES_MAX },
  });

/** Some texts would take too long to count. */
export const tokenizerTooSlow = (): AppError =>
  new AppError(
    'unprocessable',
    'tokenizer_too_slow',
    'With this tokenizer some texts take too long, or too much memory, to count.',
  );

/** It counts as no model does. */
export const tokenizerImplausible = (): AppError =>
  new AppError(
    'unprocessable',
    'tokenizer_implausible',
    'This tokenizer makes far more, or far fewer, tokens of ordinary text than those of models do.',
  );

/** The tenant has brought as many as it may. */
export const tooManyTokenizers = (): AppError =>
  new AppError(
    'conflict',
    'limit_reached',
    `A tenant brings tokenizers for ${TENANT_TOKENIZERS_MAX} models at most.`,
    { details: { max: TENANT_TOKENIZERS_MAX } },
  );

/** The tenant has to wait before the next file is looked at. */
export const tokenizerLately = (retryAfterSeconds: number): AppError =>
  new AppError('rate_limited', 'rate_limited', 'Another file of yours was looked at a moment ago.', {
    details: { retryAfterSeconds },
  });

/** Too many wait for theirs to be looked at. */
export const tokenizersBusy = (): AppError =>
  new AppError('rate_limited', 'rate_limited', 'Files of many others wait to be looked at.', {
    details: { retryAfterSeconds: 60 },
  });

/** The owner can not be paid, so it has no say. */
export const payoutMissing = (): AppError =>
  new AppError(
    'forbidden',
    'payout_method_missing',
    'Only owners with a verified way to be paid have a say in how tokens are counted.',
  );

/** There is nothing to decide for. */
export const tokenizerNotFound = (): AppError =>
  new AppError('not_found', 'tokenizer_not_found', 'Nobody has brought this file for this model.');
