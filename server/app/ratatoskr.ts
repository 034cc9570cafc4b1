import type { KeyPair } from '../../proto/ratatoskr/index.ts';
import { keyPairOf, withShortCipher } from '../../proto/ratatoskr/node.ts';
import type { Config } from '../config/index.ts';
import { createClientLimiter } from '../platform/client-limiter/index.ts';
import { BodyBudget } from '../platform/http/body-budget.ts';
import { createBodyTurns } from '../platform/http/body-turns.ts';
import { ARRIVING_BODY_BYTES_MAX } from '../platform/http/limits.ts';
import type { RespondToError } from '../platform/http/types.ts';
import { ed25519 } from '../platform/secrets/index.ts';
import type { WebSocketEndpoint } from '../platform/websocket/types.ts';
import type { OperationRoute } from '../transports/pipeline/http.ts';
import type { Pipeline } from '../transports/pipeline/pipeline.ts';
import type { RateWindow } from '../transports/pipeline/rates.ts';
import { createRatatoskrEndpoint, RATATOSKR_PATH } from '../transports/ratatoskr/endpoint.ts';
import { OpeningConnections } from '../transports/ratatoskr/opening.ts';
import { createProviderCalls } from '../transports/ratatoskr/provider-calls.ts';
import { createSessionCalls } from '../transports/ratatoskr/session-calls.ts';
import type { ServerDescription } from '../transports/rest/server-routes.ts';
import type { Identity } from './identity.ts';
import type { Market } from './market.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';
import type { Readings } from './readings.ts';

/** Handshakes of one address in a minute: a household that comes back after a power cut. */
const HANDSHAKES_PER_MINUTE_MAX = 600;
/** Addresses whose handshakes are counted. */
const COUNTED_ADDRESSES_MAX = 50_000;
const MINUTE_MS = 60_000;

/** The keys of this server: the one in use, and the one before, which clients may still know. To be asked for when the secrets are loaded. */
function staticKeysOf(
  { ratatoskrKeyGeneration }: Config,
  { secretBox }: Pick<Platform, 'secretBox'>,
): readonly KeyPair[] {
  const keyOf = (generation: number) =>
    keyPairOf(secretBox.derive(`yggdrasil ratatoskr static key ${generation}`));
  return [ratatoskrKeyGeneration, ratatoskrKeyGeneration - 1].filter((number) => number > 0).map(keyOf);
}

/** What the server says of its sessions, and of the port that is theirs alone, to whoever asks; null where it has none. */
export function describeSessions(
  config: Config,
  platform: Pick<Platform, 'secretBox'>,
  port: number | null,
): ServerDescription['ratatoskr'] {
  if (config.ratatoskr === 'off') return null;
  const keys = staticKeysOf(config, platform);
  const publicKeys = keys.map(({ publicKey }) => Buffer.from(publicKey).toString('base64url'));
  return { path: RATATOSKR_PATH, port, versions: [1], publicKeys };
}

/** Counts the handshakes of each address; null: they are not limited. */
function handshakeLimiter({ rateLimits }: Config, { clock }: Pick<Platform, 'clock'>): RateWindow | null {
  if (rateLimits === 'off') return null;
  const countMax = HANDSHAKES_PER_MINUTE_MAX;
  return createClientLimiter(
    { countMax, intervalMs: MINUTE_MS, clientsMax: COUNTED_ADDRESSES_MAX },
    { clock },
  );
}

/** Where sessions are opened: none where they are switched off. */
export function buildSessionEndpoints(
  config: Config,
  areas: {
    readonly platform: Platform;
    readonly identity: Identity;
    readonly messaging: Messaging;
    readonly market: Market;
    readonly readings: Readings;
  },
  served: {
    readonly routes: readonly OperationRoute[];
    readonly pipeline: Pipeline;
    readonly respondToError: RespondToError;
  },
): WebSocketEndpoint[] {
  const { platform, identity, messaging, market, readings } = areas;
  const { clock, random, logger, core } = platform;
  const calls = createSessionCalls(served.pipeline, identity);
  const providerCalls = createProviderCalls(served.pipeline, market);
  if (config.ratatoskr === 'off') return [];
  // As much as over HTTP: one tenant has half of each at most, however many sessions it opens.
  const [inputs, answers] = [
    new BodyBudget(ARRIVING_BODY_BYTES_MAX),
    new BodyBudget(ARRIVING_BODY_BYTES_MAX),
  ];
  const turns = createBodyTurns({ clock });
  let staticKeys: readonly KeyPair[] | null = null;
  const endpoint = createRatatoskrEndpoint(
    { port: config.ratatoskrPort },
    {
      calls,
      providerCalls,
      providers: market.providers,
      ed25519,
      refusals: readings.refusals,
      devices: identity.devices,
      resumption: identity.resumption,
      opening: new OpeningConnections(handshakeLimiter(config, platform), { clock }),
      staticKeys: () => {
        staticKeys ??= staticKeysOf(config, platform);
        return staticKeys;
      },
      connections: messaging.connections,
      sharesOf: (tenantId) => ({
        inputs: { room: inputs.roomFor(tenantId), turn: () => turns.next(tenantId) },
        answers: answers.roomFor(tenantId),
      }),
      countsRates: config.rateLimits !== 'off',
      heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
      mayBeClear: config.ratatoskrEncryption === 'declinable',
      operations: new Map(served.routes.map((route) => [route.operation.operation, route])),
      identify: identity.identify,
      respondToError: served.respondToError,
      newRequestId: () => random.uuid(),
      random,
      crypto: withShortCipher(core.cipher),
      signer: core,
      clock,
      logger,
    },
  );
  return [endpoint];
}
