import type { Config } from '../config/index.ts';
import {
  CODES_INTERVAL_MS,
  CODES_PER_CLIENT_MAX,
  COUNTED_CLIENTS_MAX,
  createAccessTokenKeyStore,
  createAccountService,
  createAccountStore,
  createAddressChangeStore,
  createExternalSignInStore,
  createHomeRows,
  createIdentityStore,
  createPasskeyStore,
  createPasswordStore,
  createProgramSignInStore,
  createProofStore,
  createRecoveryCodeStore,
  createRefreshStore,
  createSignInNoticeStore,
  createSignInStore,
  type IdentityProvider,
  type LiveConnections,
  PASSKEY_SIGN_INS_PER_CLIENT_MAX,
  PASSWORD_TRIES_PER_ADDRESS_MAX,
  PASSWORD_TRIES_PER_CLIENT_MAX,
  PASSWORD_TRIES_PER_KNOWN_DEVICE_MAX,
  USER_CODE_TRIES_MAX,
} from '../domains/accounts/index.ts';
import {
  COUNTED_LOGINS_MAX,
  createBootstrapStore,
  createClaimStore,
  createDeviceRows,
  createDeviceService,
  createDeviceStore,
  createLoginStore,
  type Presence as DevicePresence,
  LOGIN_FAILURES_OF_ADDRESS_MAX,
  LOGIN_TRIES_FROM_ADDRESS_MAX,
  LOGIN_TRIES_INTERVAL_MS,
  LOGIN_TRIES_OF_NAME_MAX,
  type NetworkOfDevice,
} from '../domains/devices/index.ts';
import { createNetworkService, createNetworkStore } from '../domains/networks/index.ts';
import { createKnownCallers } from '../domains/presence/index.ts';
import { relayError } from '../domains/relay/index.ts';
import { createResumptionService, createResumptionStore } from '../domains/sessions/index.ts';
import {
  type BroughtDevice,
  COUNTED_INVITERS_MAX,
  createInvitationStore,
  createTenantRows,
  createTenantService,
  createTenantStore,
  INVITATIONS_COUNT_MAX,
  INVITATIONS_INTERVAL_MS,
  type TenantRows,
  type TenantService,
} from '../domains/tenants/index.ts';
import { startIdentityJobs } from '../jobs/identity-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import type { Actor } from '../kernel/actor.ts';
import { AppError, notFound } from '../kernel/errors.ts';
import type { DeviceId, TenantId } from '../kernel/ids.ts';
import { createAccessTokenFormat } from '../platform/access-tokens/index.ts';
import { createClientLimiter } from '../platform/client-limiter/index.ts';
import { usernameOfClient } from '../platform/mqtt/client-ids.ts';
import { createIssuerClient } from '../platform/oidc/index.ts';
import { createPasskeyCeremonies, relyingPartyOf } from '../platform/passkeys/index.ts';
import { ed25519 } from '../platform/secrets/index.ts';
import { deviceCertificates } from '../platform/tls/device-certificates.ts';
import type { Abuse } from './abuse.ts';
import { buildDeletionJob, deletionParts } from './deletions.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** Who makes the access tokens of a server that has no public address. */
const NAMELESS_ISSUER = 'urn:yggdrasil:server';

/** Who there is, and what they may: accounts, tenants, networks, devices. */
export type Identity = ReturnType<typeof buildIdentity>;

/** Builds the area. */
export function buildIdentity(
  config: Config,
  platform: Platform,
  messaging: Messaging,
  abuse: Pick<Abuse, 'note'>,
) {
  const { relay, connections } = messaging;
  const { clock, random, hash } = platform;
  const tenantRows = createTenantRows();
  const deviceRows = createDeviceRows();
  const left = async (devices: readonly BroughtDevice[]) => {
    for (const { deviceId, networkId } of devices) await relay.left({ deviceId, networkId });
  };
  const live = accountConnections(messaging);
  const accounts = createAccountService({
    ...accountParts(config, platform, tenantRows),
    ...deletionParts(config, platform),
    live,
    clock,
    random,
    hash,
  });
  const tenants = createTenantService({
    ...tenantParts(platform, deviceRows),
    accounts,
    broughtDevices: { left },
    live: {
      endAccount: (membership) => {
        connections.end(membership, membershipChanged());
      },
      accountChanged: (membership) => connections.changed(membership),
    },
  });
  const { networks, devices } = buildThings(config, platform, messaging, { tenants, tenantRows, deviceRows });
  /**
   * Whose token this is, a user's or a device's, acting in this tenant or (null) in its own; null for a token that nobody
   * has. Refuses with `tenant_not_found` a tenant in which it may not act, and with `tenant_suspended` one that is suspended.
   */
  const askFor = async (token: string, tenantId: TenantId | null): Promise<Actor | null> => {
    const account = await accounts.identify(token, tenantId);
    if (account !== null) {
      platform.suspended.requireActive(account);
      return account;
    }
    const device = (await devices.authenticate(token))?.actor ?? null;
    if (device !== null && tenantId !== null && device.tenantId !== tenantId) throw notFound('tenant');
    return device;
  };
  const callers = createKnownCallers({ connections, clock });
  const identifyIn = (token: string, tenantId: TenantId | null) =>
    callers.identify(hash(token), tenantId, () => askFor(token, tenantId));
  const identify = (token: string, tenantId: TenantId | null): Promise<Actor | null> =>
    tenantId === null
      ? identifyIn(token, null)
      : identifyIn(token, tenantId).catch(async (error: unknown) => {
          if (error instanceof AppError && error.code === 'tenant_not_found') {
            noteForeignTenant(abuse, await identifyIn(token, null), tenantId);
          }
          throw error;
        });
  const carryOutDeletions = buildDeletionJob(config, platform, { tenants, networks, devices, live });
  const resumption = createResumptionService({
    store: createResumptionStore(platform.database),
    secretBox: platform.secretBox,
    clock,
    random,
    hash,
  });
  return { accounts, tenants, networks, devices, identify, carryOutDeletions, resumption };
}

/** Somebody who is known tried to act in a tenant of others. */
function noteForeignTenant(abuse: Pick<Abuse, 'note'>, actor: Actor | null, tried: TenantId): void {
  if (actor === null || actor.kind === 'service') return;
  abuse.note({
    kind: 'ids',
    subject:
      actor.kind === 'account'
        ? { kind: 'account', id: actor.accountId }
        : { kind: 'device', id: actor.deviceId },
    tried,
    isOperator: actor.kind === 'account' && actor.operator,
  });
}

/** What accounts have open. */
function accountConnections({ connections }: Messaging): LiveConnections {
  const gone = relayError('unauthenticated');
  return {
    endCredential: (accountId, credentialId) => {
      connections.end({ accountId, credentialId }, gone);
    },
    endAccount: (accountId) => {
      connections.end({ accountId }, gone);
    },
    accountChanged: (accountId) => connections.changed({ accountId }),
  };
}

/** Networks and devices. */
function buildThings(
  config: Config,
  platform: Platform,
  messaging: Messaging,
  known: {
    readonly tenants: TenantService;
    readonly tenantRows: TenantRows;
    readonly deviceRows: ReturnType<typeof createDeviceRows>;
  },
) {
  const { database, clock, random, secretBox, hash } = platform;
  const { relay, connections } = messaging;
  const { tenants, tenantRows, deviceRows } = known;
  const endDevice = (deviceId: DeviceId) => {
    connections.end({ deviceId }, relayError('unauthenticated'));
  };
  const networks = createNetworkService(
    { networksMax: config.tenantNetworksMax },
    {
      store: createNetworkStore(database, deviceRows),
      devices: { left: (deviceId, networkId) => relay.left({ deviceId, networkId }) },
      clock,
      random,
    },
  );
  const devices = createDeviceService(
    {
      heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
      devicesMax: config.tenantDevicesMax,
    },
    {
      store: createDeviceStore(database, tenantRows),
      claims: createClaimStore(database),
      fleets: createBootstrapStore(database, tenantRows),
      ...loginParts(platform),
      certificates: deviceCertificates,
      networks,
      tenants,
      suspended: platform.suspended,
      presence: devicePresence(messaging, endDevice),
      secretBox,
      clock,
      random,
      hash,
    },
  );
  return { networks, devices };
}

/** Names and passwords of devices. People's passwords are hashed by the same, one at a time. */
function loginParts({ database, clock, passwordHasher }: Platform) {
  const counted = { intervalMs: LOGIN_TRIES_INTERVAL_MS, clientsMax: COUNTED_LOGINS_MAX };
  return {
    logins: createLoginStore(database),
    hasher: passwordHasher,
    loginTries: {
      fromAddress: createClientLimiter({ ...counted, countMax: LOGIN_TRIES_FROM_ADDRESS_MAX }, { clock }),
      ofName: createClientLimiter({ ...counted, countMax: LOGIN_TRIES_OF_NAME_MAX }, { clock }),
      failures: createClientLimiter({ ...counted, countMax: LOGIN_FAILURES_OF_ADDRESS_MAX }, { clock }),
    },
  };
}

/** The devices' view of who is connected, and what ends with a device: connections, positions, sessions of topics. */
function devicePresence(
  { relay, connections, topics, left, changed }: Messaging,
  endDevice: (deviceId: DeviceId) => void,
): DevicePresence {
  const forgetTopics = async (deviceId: DeviceId, network: NetworkOfDevice) => {
    await topics.forget(network, (clientId) => usernameOfClient(clientId)?.split('@')[0] === deviceId);
    await left(deviceId, network);
  };
  return {
    heardAtMs: (deviceId) => connections.heardAtMs(deviceId),
    async joined({ tenantId, deviceId }, networkId) {
      await relay.joined(tenantId, { networkId, deviceId });
      changed(deviceId);
    },
    async left(deviceId, network) {
      await relay.left({ deviceId, networkId: network.networkId });
      await forgetTopics(deviceId, network);
    },
    changed,
    endDevice,
    endToken(deviceId, credentialId) {
      connections.end({ deviceId, credentialId }, relayError('unauthenticated'));
    },
    async forget(deviceId, networks) {
      endDevice(deviceId);
      await relay.forget(deviceId);
      for (const network of networks) await forgetTopics(deviceId, network);
    },
  };
}

function accountParts(
  config: Config,
  { database, mailer, clock, logger, secretBox, passwordHasher }: Platform,
  tenantRows: TenantRows,
) {
  const counted = {
    countMax: CODES_PER_CLIENT_MAX,
    intervalMs: CODES_INTERVAL_MS,
    clientsMax: COUNTED_CLIENTS_MAX,
  };
  return {
    store: createAccountStore(database, tenantRows),
    codes: createSignInStore(database, tenantRows),
    identities: createIdentityStore(database),
    passkeys: createPasskeyStore(database),
    proofs: createProofStore(database),
    passwords: createPasswordStore(database),
    hasher: passwordHasher,
    passwordsOn: config.passwords === 'on',
    passwordTries: {
      ofClient: createClientLimiter({ ...counted, countMax: PASSWORD_TRIES_PER_CLIENT_MAX }, { clock }),
      ofAddress: createClientLimiter({ ...counted, countMax: PASSWORD_TRIES_PER_ADDRESS_MAX }, { clock }),
      ofKnownDevice: createClientLimiter(
        { ...counted, countMax: PASSWORD_TRIES_PER_KNOWN_DEVICE_MAX },
        { clock },
      ),
    },
    passkeySignIns: createClientLimiter({ ...counted, countMax: PASSKEY_SIGN_INS_PER_CLIENT_MAX }, { clock }),
    ...passkeyParts(config),
    ...{ secretBox, ed25519 },
    accessKeys: createAccessTokenKeyStore(database),
    accessTokens: createAccessTokenFormat(config.publicUrl ?? NAMELESS_ISSUER),
    refreshTokens: createRefreshStore(database),
    changes: createAddressChangeStore(database),
    mail: mailer,
    recoveryCodes: createRecoveryCodeStore(database),
    programs: createProgramSignInStore(database),
    codeTries: createClientLimiter({ ...counted, countMax: USER_CODE_TRIES_MAX }, { clock }),
    signIns: createSignInNoticeStore(database),
    // The terminal shows codes, which somebody waits for; nobody there waits for a notice.
    noticeMail: config.smtpUrl === undefined ? null : mailer,
    clients: createClientLimiter(counted, { clock }),
    signUpOpen: config.signUp === 'open',
    external: createExternalSignInStore(database, tenantRows),
    providers: identityProviders(config, clock),
    logger,
  };
}

/** Without a public address passkeys are for `localhost` alone. */
function passkeyParts({ publicUrl }: Config) {
  return {
    ceremonies: createPasskeyCeremonies(),
    partyOf: (pageOrigin: string) => relyingPartyOf(publicUrl, pageOrigin),
    opensByPasskey: publicUrl === null || relyingPartyOf(publicUrl, publicUrl) !== null,
  };
}

function identityProviders({ oidc, publicUrl }: Config, clock: Platform['clock']): IdentityProvider[] {
  return oidc.map(({ name, title, ...issuer }) => {
    const redirectUri = `${publicUrl}/api/v1/users/oidc/${name}/callback`;
    const client = createIssuerClient({ ...issuer, redirectUri }, { clock });
    return { name, title, issuer: issuer.issuer, ...client };
  });
}

function tenantParts(
  { database, mailer, clock, random, hash }: Platform,
  deviceRows: ReturnType<typeof createDeviceRows>,
) {
  const counted = {
    countMax: INVITATIONS_COUNT_MAX,
    intervalMs: INVITATIONS_INTERVAL_MS,
    clientsMax: COUNTED_INVITERS_MAX,
  };
  return {
    store: createTenantStore(database, deviceRows, createHomeRows()),
    invitations: createInvitationStore(database),
    mail: mailer,
    limiter: createClientLimiter(counted, { clock }),
    clock,
    random,
    hash,
  };
}

function membershipChanged(): AppError {
  return new AppError('forbidden', 'forbidden', 'Your role in this tenant has changed.');
}

/** Forgets codes and sign-ins that have ended. */
export function identityPart(
  { accounts, tenants, devices, resumption, carryOutDeletions }: Identity,
  { mailer, node, clock, logger }: Platform,
): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'identity',
    async start() {
      const work = { accounts, tenants, devices, resumption, carryOutDeletions };
      jobs = startIdentityJobs({ ...work, lease: node, clock, logger });
    },
    async stop() {
      await jobs?.stop();
      mailer?.close();
    },
  };
}
