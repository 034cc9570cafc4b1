import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceStore, StoredDevice } from '../../../server/domains/devices/ports.ts';
import { createDeviceService, type DeviceService } from '../../../server/domains/devices/service.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { InvariantError } from '../../../server/kernel/errors.ts';
import {
  type AccountId,
  asId,
  type CredentialId,
  type DeviceId,
  type NetworkId,
  type TenantId,
} from '../../../server/kernel/ids.ts';
import { createSecretBox } from '../../../server/platform/secrets/index.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { createSeededRandom } from '../../support/random.ts';

interface Row {
  tenantId: TenantId;
  deviceId: DeviceId;
  readonly tokenHash: string;
  signingKeySealed: Uint8Array;
}

const hash = (secret: string) => Buffer.from(secret);
const actorOf = (number: number): AccountActor => ({
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: asId<TenantId>(uuid(number)),
  accountId: asId<AccountId>(uuid(number + 100)),
  operator: false,
  role: 'owner',
  networkIds: null,
});

let rows: Row[];
let devices: DeviceService;
let ended: DeviceId[];
let endedTokens: CredentialId[];
let clock: FakeClock;
const replacedId = asId<CredentialId>(uuid(60));
/** What the store does with a change: it may be written although nobody hears of it. */
let commit: () => Promise<boolean>;
beforeEach(() => {
  rows = [];
  ended = [];
  endedTokens = [];
  clock = new FakeClock();
  commit = async () => true;
  const store: Pick<
    DeviceStore,
    | 'addDevice'
    | 'findDevice'
    | 'findByToken'
    | 'findAnySealedKey'
    | 'replaceCredentials'
    | 'removeDevice'
    | 'findEveryNetwork'
  > = {
    findDevice: async () => ({ guest: false }) as StoredDevice,
    replaceCredentials: async () =>
      (await commit()) ? { previousTokenId: replacedId, olderTokenId: null } : 'not_found',
    removeDevice: () => commit(),
    findEveryNetwork: async () => [],
    addDevice: async ({ tenantId }, { id }: StoredDevice, { tokenHash, signingKeySealed }) => {
      rows.push({ deviceId: id, tenantId, tokenHash: String(tokenHash), signingKeySealed });
      return 'added';
    },
    findAnySealedKey: async () => rows[0] ?? null,
    findByToken: async (tokenHash) => {
      const row = rows.find((each) => each.tokenHash === String(tokenHash));
      if (row === undefined) return null;
      const { tenantId, deviceId, signingKeySealed } = row;
      return {
        actor: { kind: 'device', credentialId: TEST_CREDENTIAL_ID, tenantId, deviceId },
        signingKeySealed,
        untilMs: null,
        previousTokenId: null,
      };
    },
  };
  devices = createDeviceService(
    { heartbeatIntervalMs: 30_000, devicesMax: 100 },
    {
      store: store as DeviceStore,
      fleets: {} as never,
      certificates: {} as never,
      claims: {} as never,
      logins: {} as never,
      hasher: {} as never,
      loginTries: {} as never,
      networks: { getNetwork: async () => null } as never,
      tenants: { listInvitations: async () => [] },
      suspended: { has: () => false },
      presence: {
        heardAtMs: () => null,
        joined: async () => {},
        left: async () => {},
        forget: async () => {},
        changed: () => undefined,
        endDevice: (deviceId) => void ended.push(deviceId),
        endToken: (_, tokenId) => void endedTokens.push(tokenId),
      },
      secretBox: createSecretBox(new Uint8Array(32).fill(1)),
      clock,
      random: createSeededRandom(1),
      hash,
    },
  );
});

const register = (actor: AccountActor) =>
  devices.registerDevice(actor, {
    name: 'Lamp',
    networkId: asId<NetworkId>(uuid(7)),
    worldType: 'midgard',
    assignedId: null,
    sessionKey: null,
  });

describe('the signing key of a device', () => {
  it('comes back with its token, and from nowhere else', async () => {
    const { token, signingKey, device } = await register(actorOf(1));
    const found = await devices.authenticate(token);
    expect(found?.actor.deviceId).toBe(device.id);
    expect(new Uint8Array(found?.signingKey ?? [])).toEqual(new Uint8Array(signingKey));
    expect(Buffer.from(rows[0]?.signingKeySealed ?? []).includes(Buffer.from(signingKey))).toBe(false);
  });

  it.each([
    ['of its own tenant', 1],
    ['of another tenant', 2],
  ])('is refused in the row of another device %s', async (_where, tenant) => {
    const lamp = await register(actorOf(1));
    const other = await register(actorOf(tenant));
    const [first, second] = rows as [Row, Row];
    [first.signingKeySealed, second.signingKeySealed] = [second.signingKeySealed, first.signingKeySealed];
    await expect(devices.authenticate(lamp.token)).rejects.toThrow(InvariantError);
    await expect(devices.authenticate(other.token)).rejects.toThrow(InvariantError);
  });

  it('is refused in a row that another tenant took over', async () => {
    const { token } = await register(actorOf(1));
    (rows[0] as Row).tenantId = actorOf(2).tenantId;
    await expect(devices.authenticate(token)).rejects.toThrow(InvariantError);
  });

  it('tells whether the secrets are those the devices were made with', async () => {
    expect(await devices.secretsFit()).toBe(true);
    await register(actorOf(1));
    expect(await devices.secretsFit()).toBe(true);
    (rows[0] as Row).signingKeySealed = createSecretBox(new Uint8Array(32).fill(2)).seal(
      new Uint8Array(32),
      'x',
    );
    expect(await devices.secretsFit()).toBe(false);
  });
});

describe('the connections of a device', () => {
  const id = asId<DeviceId>(uuid(50));
  const AT_ONCE = { overlapMs: 0, signingKey: false };

  it('end when its token was replaced', async () => {
    expect((await devices.rotateToken(actorOf(1), id, AT_ONCE)).token).toMatch(/^ygd_/);
    expect(ended).toEqual([id]);
  });

  it('end with an overlap at its time, though nobody shows a token again', async () => {
    await devices.rotateToken(actorOf(1), id, { overlapMs: 60_000, signingKey: true });
    clock.advance(59_999);
    expect([ended, endedTokens]).toEqual([[], []]);
    clock.advance(1);
    expect(endedTokens).toEqual([replacedId]);
  });

  it('stay when there was nothing to change', async () => {
    commit = async () => false;
    await expect(devices.rotateToken(actorOf(1), id, AT_ONCE)).rejects.toMatchObject({
      code: 'device_not_found',
    });
    await expect(devices.removeDevice(actorOf(1), id)).rejects.toMatchObject({ code: 'device_not_found' });
    expect(ended).toEqual([]);
  });

  it('end where nobody knows whether the token was replaced, or the device removed', async () => {
    commit = () => Promise.reject(new Error('the commit was not confirmed'));
    await expect(devices.rotateToken(actorOf(1), id, AT_ONCE)).rejects.toThrow('not confirmed');
    await expect(devices.removeDevice(actorOf(1), id)).rejects.toThrow('not confirmed');
    expect(ended).toEqual([id, id]);
  });
});
