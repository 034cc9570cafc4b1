import { timingSafeEqual } from 'node:crypto';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import {
  CLAIM_ALPHABET,
  CLAIM_CODE_LETTERS,
  CLAIM_MS,
  CLAIM_SECRET_BYTES,
  CLAIMS_WAITING_MAX,
} from './limits.ts';
import type { ClaimStore, StoredClaim, TokenHash } from './ports.ts';
import { claimContext } from './sealed-contexts.ts';
import type { ClaimCredentials, Device, OpenClaim, RegisteredDevice, WorldType } from './types.ts';

/** Devices that show a code, which their owner types or scans: nothing has to be copied to them. */
export interface DeviceClaims {
  /**
   * A device waits for its owner: the code that it shows, and the secret with which it comes for its credentials. With `sessionKey` (X25519,
   * 32 bytes) sessions of Ratatoskr are opened with this key alone from the beginning. Refuses with `unavailable` while as many wait as may.
   */
  openClaim(waiting: Pick<StoredClaim, 'worldType' | 'sessionKey'>): Promise<OpenClaim>;
  /**
   * Makes the device that shows this code one of the actor's. A code is good once and for ten minutes. Refuses with `forbidden`, with
   * `claim_code_wrong`, and as `registerDevice` does; then the code stays good.
   */
  claimDevice(
    actor: Actor,
    code: string,
    input: { name: string; networkId: NetworkId; assignedId: string | null },
  ): Promise<Device>;
  /**
   * What a waiting device comes for; null: nobody has claimed it yet. Until the ten minutes are over it may come again, because an
   * answer may be lost. Refuses with `claim_not_found` what isn't there, is over, or has another secret: all the same.
   */
  collectClaim(claimId: string, secret: string): Promise<ClaimCredentials | null>;
  /** Removes claims whose time is over, with the credentials in them. */
  removeExpiredClaims(): Promise<void>;
}

/** What it needs. */
interface ClaimDependencies {
  readonly claims: ClaimStore;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
  readonly registerDevice: (
    actor: Actor,
    input: {
      name: string;
      networkId: NetworkId;
      worldType: WorldType;
      assignedId: string | null;
      sessionKey: Uint8Array | null;
    },
  ) => Promise<RegisteredDevice>;
}

/** The code as it is compared: people type small letters, and leave out what groups them. */
export const canonicalClaimCode = (code: string): string => code.toUpperCase().replaceAll(/[ -]/g, '');

/** Builds this part of the service. */
export function createDeviceClaims(dependencies: ClaimDependencies): DeviceClaims {
  const { claims, secretBox, clock, random, hash, registerDevice } = dependencies;
  return {
    async openClaim(waiting) {
      const claimId = random.uuid();
      const code = makeCode(random);
      const secret = Buffer.from(random.bytes(CLAIM_SECRET_BYTES)).toString('base64url');
      const expiresAtMs = clock.nowMs() + CLAIM_MS;
      const kept = { ...waiting, id: claimId, codeHash: hash(code), secretHash: hash(secret), expiresAtMs };
      const isAdded = await claims.addClaim(kept, clock.nowMs(), CLAIMS_WAITING_MAX);
      if (!isAdded)
        throw new AppError('unavailable', 'unavailable', 'Too many devices wait for their owners.');
      return { claimId, code: code.replaceAll(/(...)(?=.)/g, '$1-'), secret, expiresAtMs };
    },

    async claimDevice(actor, code, input) {
      requirePermission(actor, 'devices.manage');
      const taken = await claims.takeClaim(hash(canonicalClaimCode(code)), clock.nowMs());
      if (taken === null) throw codeWrong();
      const { claimId, ...said } = taken;
      const registered = await registerDevice(actor, { ...input, ...said }).catch(async (error: unknown) => {
        await claims.giveBackClaim(claimId);
        throw error;
      });
      const { device, token, signingKey } = registered;
      const credentials: ClaimCredentials = {
        deviceId: device.id,
        networkId: input.networkId,
        token,
        signingKey: Buffer.from(signingKey).toString('base64url'),
      };
      const sealed = secretBox.seal(
        new TextEncoder().encode(JSON.stringify(credentials)),
        claimContext(claimId),
      );
      await claims.fillClaim(claimId, device.id as DeviceId, sealed);
      return device;
    },

    async collectClaim(claimId, secret) {
      const claim = await claims.findClaim(claimId, clock.nowMs());
      // Also without a claim one is compared: how long it takes tells nothing.
      const isRight = timingSafeEqual(claim?.secretHash ?? NO_HASH, hash(secret));
      if (claim === null || !isRight) throw notFoundClaim();
      if (claim.credentialsSealed === null) return null;
      const text = new TextDecoder().decode(secretBox.open(claim.credentialsSealed, claimContext(claimId)));
      return JSON.parse(text) as ClaimCredentials;
    },

    removeExpiredClaims: () => claims.removeExpiredClaims(clock.nowMs()),
  };
}

const NO_HASH = new Uint8Array(32);

/** Letters by chance, each as likely as the others: bytes that would make some likelier are passed over. */
function makeCode(random: Random): string {
  const fair = 256 - (256 % CLAIM_ALPHABET.length);
  let code = '';
  while (code.length < CLAIM_CODE_LETTERS) {
    for (const byte of random.bytes(CLAIM_CODE_LETTERS)) {
      if (byte < fair && code.length < CLAIM_CODE_LETTERS) code += letterOf(byte);
    }
  }
  return code;
}

function letterOf(byte: number): string {
  const letter = CLAIM_ALPHABET[byte % CLAIM_ALPHABET.length];
  if (letter === undefined) throw new InvariantError('an alphabet without letters');
  return letter;
}

function codeWrong(): AppError {
  return new AppError(
    'forbidden',
    'claim_code_wrong',
    'The code is wrong, used, or too old. Let the device show another.',
  );
}

function notFoundClaim(): AppError {
  return new AppError('not_found', 'claim_not_found', 'Claim not found.');
}
