import { hash, verify } from '@node-rs/argon2';
import { AppError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';

/** One of the choices that OWASP's Password Storage Cheat Sheet gives for argon2id: 46 MiB, one pass. Its Argon2 is argon2id unless said otherwise. */
const COST = { memoryCost: 47_104, timeCost: 1, parallelism: 1 } as const;

/** Passwords that wait to be hashed: a second of work or two, so nobody waits for long, and of one client half at most. */
const WAITING_MAX = 32;

const BUSY_SECONDS = 2;

/** Passwords as they may be kept. */
export interface PasswordHasher {
  /** The hash of a password, with its salt and cost (PHC string). Rejects with `unavailable` when too many wait. */
  hash(client: string, password: string): Promise<string>;
  /** True: the hash is of this password. Null in place of a hash takes as long as any, and is never right. Rejects as `hash`. */
  isRight(client: string, kept: string | null, password: string): Promise<boolean>;
}

/**
 * Hashes one password at a time, outside the main thread, in turn by client: who sends many makes itself wait, and one core stays for everything
 * else.
 */
export function createPasswordHasher(): PasswordHasher {
  const waiting = new FairQueue<string, () => Promise<void>>({ itemsMax: WAITING_MAX, bytesMax: 0 });
  /** Of a password that nobody knows; made at the first check, whoever it is of, so that a server without passwords makes none. */
  let nobodys: string | null = null;
  let isBusy = false;

  const workOff = async () => {
    isBusy = true;
    for (let work = waiting.take(); work !== undefined; work = waiting.take()) await work();
    isBusy = false;
  };
  const inTurn = <Result>(client: string, work: () => Promise<Result>) =>
    new Promise<Result>((resolve, reject) => {
      if (!waiting.push(client, () => work().then(resolve, reject))) reject(tooManyWait());
      else if (!isBusy) void workOff();
    });

  return {
    hash: (client, password) => inTurn(client, () => hash(password, COST)),
    isRight: (client, kept, password) =>
      inTurn(client, async () => {
        nobodys ??= await hash(crypto.randomUUID(), COST);
        return (await verify(kept ?? nobodys, password)) && kept !== null;
      }),
  };
}

function tooManyWait(): AppError {
  return new AppError('unavailable', 'unavailable', 'Too many passwords are being checked. Try again.', {
    details: { retryAfterSeconds: BUSY_SECONDS },
  });
}
