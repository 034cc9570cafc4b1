import { hash, verify } from '@node-rs/argon2';
import { AppError } from '../../kernel/errors.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';

/** One of the choices that OWASP's Password Storage Cheat Sheet gives for argon2id: 46 MiB, one pass. Its Argon2 is argon2id unless said otherwise. */
const COST = { memoryCost: 47_104, timeCost: 1, parallelism: 1 } as const;

/** Passwords of strangers that wait to be hashed: some seconds of work, and of one client few, so that it takes many to fill the line. */
const STRANGERS_WAITING_MAX = 128;
const OF_ONE_STRANGER_MAX = 4;

/** Passwords of who is known that wait: a second of work or two, and of one half at most. */
const KNOWN_WAITING_MAX = 32;

const BUSY_SECONDS = 2;

/** Who wants a password hashed. */
export interface PasswordClient {
  readonly id: string;
  /** An account that is signed in, or a device that has signed in to the account before: strangers don't make it wait. */
  readonly isKnown: boolean;
}

/** Passwords as they may be kept. */
export interface PasswordHasher {
  /** The hash of a password, with its salt and cost (PHC string). Rejects with `unavailable` when too many wait. */
  hash(client: PasswordClient, password: string): Promise<string>;
  /** True: the hash is of this password. Null in place of a hash takes as long as any, and is never right. Rejects as `hash`. */
  isRight(client: PasswordClient, kept: string | null, password: string): Promise<boolean>;
}

/**
 * Hashes one password at a time, outside the main thread, so that one core stays for everything else. Who is known has a line of its own, and
 * both lines have turns; within a line it is in turn by client. So who sends many makes itself wait, and however many strangers there are, who
 * is known waits for one of theirs at most.
 */
export function createPasswordHasher(): PasswordHasher {
  type Line = FairQueue<string, () => Promise<void>>;
  const known: Line = new FairQueue({ itemsMax: KNOWN_WAITING_MAX, bytesMax: 0 });
  const strangers: Line = new FairQueue({
    itemsMax: STRANGERS_WAITING_MAX,
    itemsPerKeyMax: OF_ONE_STRANGER_MAX,
    bytesMax: 0,
  });
  /** Of a password that nobody knows; made at the first check, whoever it is of, so that a server without passwords makes none. */
  let nobodys: string | null = null;
  let isBusy = false;
  let isKnownsTurn = true;

  const take = () => {
    const [first, second] = isKnownsTurn ? [known, strangers] : [strangers, known];
    isKnownsTurn = !isKnownsTurn;
    return first.take() ?? second.take();
  };
  const workOff = async () => {
    isBusy = true;
    for (let work = take(); work !== undefined; work = take()) await work();
    isBusy = false;
  };
  const inTurn = <Result>({ id, isKnown }: PasswordClient, work: () => Promise<Result>) =>
    new Promise<Result>((resolve, reject) => {
      const line = isKnown ? known : strangers;
      if (!line.push(id, () => work().then(resolve, reject))) reject(tooManyWait());
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
