import { z } from 'zod';
import { isLoopback } from '../kernel/network-address.ts';
import { marketValues } from './market-values.ts';
import { oidcProviders } from './oidc.ts';
import {
  ABUSE_MEASURES,
  addressRanges,
  databaseUrl,
  described,
  domains,
  ENCRYPTION,
  hostAddress,
  httpsUrl,
  LOG_LEVELS,
  mailAddress,
  mqttUrl,
  oneOf,
  origins,
  PASSWORDS,
  publicUrl,
  ROLES,
  SIGN_UP,
  SWITCH,
  smtpUrl,
  TLS_ENDS,
  TLS_VERSIONS,
  text,
  wholeNumber,
} from './values.ts';

/** Every value by itself, with its variable. */
export const values = z.object({
  role: described(oneOf(ROLES).default('yggdrasil'), {
    variable: 'YGGDRASIL_ROLE',
    description:
      'What the server is for: `yggdrasil` (many households, and a market), or `asgard` (the home server of one household, which opens no more than its devices need: `YGGDRASIL_RATATOSKR` is off unless it is said to be on).',
  }),
  host: described(hostAddress.default('127.0.0.1'), {
    variable: 'YGGDRASIL_HOST',
    description: 'Address the HTTP and WebSocket listener binds; `0.0.0.0` admits other machines.',
  }),
  port: described(wholeNumber(0, 65_535).default(8_080), {
    variable: 'YGGDRASIL_PORT',
    description: 'Port for HTTP and WebSocket; 0 takes any free one.',
  }),
  mdns: described(oneOf(SWITCH).optional(), {
    variable: 'YGGDRASIL_MDNS',
    description:
      'Whether the server announces itself in its local network by multicast DNS, `_yggdrasil._tcp`: `on`, `off` (docs/discovery.md).',
    unset: '`off`; in role `asgard` `on`, where other machines reach it',
  }),
  mqttHost: described(hostAddress.optional(), {
    variable: 'YGGDRASIL_MQTT_HOST',
    description: 'Address the MQTT listener binds.',
    unset: 'as `YGGDRASIL_HOST`',
  }),
  mqttPort: described(wholeNumber(0, 65_535).default(1_883), {
    variable: 'YGGDRASIL_MQTT_PORT',
    description: 'Port for MQTT 3.1.1 and 5; 0 takes any free one.',
  }),
  mqttBrokerSecret: described(
    z
      .string()
      .regex(/^[\x21-\x7e]{32,1000}$/, 'must have 32 to 1000 characters of ASCII, and no space')
      .optional(),
    {
      variable: 'YGGDRASIL_MQTT_BROKER_SECRET',
      isSecret: true,
      description:
        'What a broker of your own shows as its bearer token when it asks `/api/v1/mqtt/authenticate` and `/api/v1/mqtt/authorize` who may do what.',
      unset: 'no broker may ask',
    },
  ),
  mqttBrokerUrl: described(mqttUrl, {
    variable: 'YGGDRASIL_MQTT_BROKER_URL',
    isSecret: true,
    description:
      'A broker of your own with which devices are connected, and the server as its client: `mqtts://user:password@host:8883`. It is to let each device publish under its own id alone.',
    unset: 'devices are connected with the server alone',
  }),
  mqttBrokerClientId: described(
    z
      .string()
      .regex(/^[0-9A-Za-z_-]{1,23}$/, 'must have 1 to 23 letters, digits, - and _')
      .default('yggdrasil'),
    {
      variable: 'YGGDRASIL_MQTT_BROKER_CLIENT_ID',
      description:
        'The client id of the server there, which no other may have: the broker keeps under it what comes while the server is away.',
    },
  ),
  tls: described(oneOf(TLS_ENDS).optional(), {
    variable: 'YGGDRASIL_TLS',
    description:
      'Who ends TLS: `files` (the server, with a certificate from files, for HTTP, WebSocket and MQTT), `acme` (the server, with one that it gets from an authority and renews by itself), `proxy` (one in front of it), `none` (nobody: tokens cross the network in clear text). Without it the server listens for its own machine only.',
    unset: 'not said',
  }),
  tlsCertificateFile: described(text.optional(), {
    variable: 'YGGDRASIL_TLS_CERTIFICATE_FILE',
    description:
      'For `files`: the certificate in PEM, behind it those that lead to its authority. Read again when it changes.',
    unset: 'none',
  }),
  tlsKeyFile: described(text.optional(), {
    variable: 'YGGDRASIL_TLS_KEY_FILE',
    description: 'For `files`: its private key in PEM, without a passphrase. Read again when it changes.',
    unset: 'none',
  }),
  mqttClientAuthorityFile: described(text.optional(), {
    variable: 'YGGDRASIL_MQTT_CLIENT_AUTHORITY_FILE',
    description:
      'Certificate of an authority in PEM: over TLS, clients of MQTT show a certificate that it has issued, besides their token. HTTP and WebSocket ask for none.',
    unset: 'none; clients show no certificate',
  }),
  tlsDomains: described(domains, {
    variable: 'YGGDRASIL_TLS_DOMAINS',
    description:
      'For `acme`: the names of the server, separated by commas. Each leads to it from the internet, where the authority looks at port 80.',
    unset: 'none',
  }),
  acmeDirectory: described(httpsUrl.default('https://acme-v02.api.letsencrypt.org/directory'), {
    variable: 'YGGDRASIL_ACME_DIRECTORY',
    description:
      "For `acme`: the authority's directory. Whoever sets `acme` agrees to the terms of this authority.",
  }),
  acmeEmail: described(mailAddress.optional(), {
    variable: 'YGGDRASIL_ACME_EMAIL',
    description: 'For `acme`: whom the authority may write to.',
    unset: 'nobody',
  }),
  acmeHttpPort: described(wholeNumber(0, 65_535).default(80), {
    variable: 'YGGDRASIL_ACME_HTTP_PORT',
    description:
      'For `acme`: port at `YGGDRASIL_HOST` that the authority reaches as port 80. It answers the authority and sends everybody else to TLS.',
  }),
  tlsVersionMin: described(oneOf(TLS_VERSIONS).default('1.3'), {
    variable: 'YGGDRASIL_TLS_VERSION_MIN',
    description:
      'Oldest version of TLS that the server speaks: `1.3`, or `1.2` for devices that know no newer one.',
  }),
  trustedProxies: described(addressRanges, {
    variable: 'YGGDRASIL_TRUSTED_PROXIES',
    description:
      'Proxies that are believed when they say in `X-Forwarded-For` who the client is: addresses and ranges (`192.0.2.0/24`), separated by commas. From others the header means nothing.',
    unset: 'nobody',
  }),
  publicUrl: described(publicUrl, {
    variable: 'YGGDRASIL_PUBLIC_URL',
    description:
      'Where people reach the server, as their browser says it: `https://home.example.org`. Sign-ins that are kept in cookies are taken from there alone.',
    unset: 'whatever host they ask for',
  }),
  corsOrigins: described(origins, {
    variable: 'YGGDRASIL_CORS_ORIGINS',
    description:
      'Origins whose pages may use the API with a token of theirs: `https://app.example.org`, separated by commas. Cookies are never taken from there.',
    unset: 'none',
  }),
  signUp: described(oneOf(SIGN_UP).default('closed'), {
    variable: 'YGGDRASIL_SIGN_UP',
    description:
      'Who makes accounts: `closed` (the operator), `open` (whoever has a mail address). Closed unless said otherwise, because an account may store data and use computing time.',
  }),
  passwords: described(oneOf(PASSWORDS).default('off'), {
    variable: 'YGGDRASIL_PASSWORDS',
    description:
      'Whether people may sign in with their mail address and a password: `off`, `on`. Off unless said otherwise: codes, passkeys and providers can not be reused elsewhere.',
  }),
  accountDeletionDays: described(wholeNumber(1, 365).default(14), {
    variable: 'YGGDRASIL_ACCOUNT_DELETION_DAYS',
    description: 'Days in which people can undo that their account is to be deleted.',
  }),
  smtpUrl: described(smtpUrl, {
    variable: 'YGGDRASIL_SMTP_URL',
    isSecret: true,
    description:
      'Mail server that sends the codes for signing in: `smtps://user:password@host:465`, `smtp://host:587`.',
    unset: 'none; a server that only this machine reaches prints the codes on its terminal',
  }),
  mailFrom: described(mailAddress.optional(), {
    variable: 'YGGDRASIL_MAIL_FROM',
    description: 'Sender of its mails; needed with `YGGDRASIL_SMTP_URL`.',
    unset: 'none',
  }),
  oidc: described(oidcProviders, {
    variable: 'YGGDRASIL_OIDC',
    isSecret: true,
    description:
      'Issuers of OpenID Connect that people sign in with, in JSON: `[{"name":"google","preset":"google","clientId":"...","clientSecret":"..."}]`, presets `google` and `apple`, `"issuer":"https://..."` for any other. With `"teamId"`, `"keyId"` and `"privateKey"` (PEM, line ends as `\\n`) in place of `"clientSecret"` the secret is signed anew for each request, as Apple wants it. At the issuer, `<YGGDRASIL_PUBLIC_URL>/api/v1/users/oidc/<name>/callback` is the redirect URI.',
    unset: 'none',
  }),
  dataDirectory: described(text.default('./data'), {
    variable: 'YGGDRASIL_DATA_DIR',
    description: 'Folder for the secrets and the embedded database; made on the first start.',
  }),
  databaseUrl: described(databaseUrl, {
    variable: 'DATABASE_URL',
    isSecret: true,
    description:
      'PostgreSQL 15 to 18, as `postgres://user:password@host:port/database`; `?host=/folder` for a unix socket. The user owns the tables and makes the roles and users that the server works with.',
    unset: 'the embedded PostgreSQL',
  }),
  databasePoolConnectionsMax: described(wholeNumber(1, 100).default(10), {
    variable: 'YGGDRASIL_DATABASE_POOL_CONNECTIONS_MAX',
    description: 'Most database connections of each of the five pools.',
  }),
  logLevel: described(oneOf(LOG_LEVELS).default('info'), {
    variable: 'YGGDRASIL_LOG_LEVEL',
    description: 'Least level that is logged: `debug`, `info`, `warn`, `error`, `silent`.',
  }),
  ...marketValues,
  heartbeatIntervalSeconds: described(wholeNumber(1, 3_600).default(30), {
    variable: 'YGGDRASIL_HEARTBEAT_INTERVAL_SECONDS',
    description: 'Seconds of silence after which a device sends a PING.',
  }),
  ratatoskr: described(oneOf(SWITCH).optional(), {
    variable: 'YGGDRASIL_RATATOSKR',
    description:
      'Whether business messages are taken over Ratatoskr, at `/ratatoskr`: `on`, `off`. With `off` no provider can connect, so nothing is for sale on this server.',
    unset: '`on`; in role `asgard` `off`',
  }),
  ratatoskrPort: described(wholeNumber(0, 65_535).optional(), {
    variable: 'YGGDRASIL_RATATOSKR_PORT',
    description:
      'Port for Ratatoskr alone, at `YGGDRASIL_HOST` and with its TLS: `/ratatoskr` is there, nothing else is, and it is no longer at `YGGDRASIL_PORT`. 0 takes any free one; `/api/v1/server` says which.',
    unset: 'that of `YGGDRASIL_PORT`',
  }),
  ratatoskrEncryption: described(oneOf(ENCRYPTION).default('required'), {
    variable: 'YGGDRASIL_RATATOSKR_ENCRYPTION',
    description:
      'Whether payloads of Ratatoskr are always encrypted (`required`), or a client may decline it (`declinable`): its messages are signed all the same, but whoever is on the way reads them.',
  }),
  ratatoskrKeyGeneration: described(wholeNumber(1, 1_000_000).default(1), {
    variable: 'YGGDRASIL_RATATOSKR_KEY_GENERATION',
    description:
      "Which of the server's keys for Ratatoskr is in use. One more is another key; clients may know the one before until the next.",
  }),
  streamRetentionHours: described(wholeNumber(1, 8_760).default(168), {
    variable: 'YGGDRASIL_STREAM_RETENTION_HOURS',
    description: 'Hours a stored frame waits for devices that are offline.',
  }),
  streamFramesMax: described(wholeNumber(100, 10_000_000).default(100_000), {
    variable: 'YGGDRASIL_STREAM_FRAMES_MAX',
    description: 'Stored frames a network keeps; the oldest go first.',
  }),
  streamBytesMax: described(wholeNumber(1_048_576, 1_099_511_627_776).default(268_435_456), {
    variable: 'YGGDRASIL_STREAM_BYTES_MAX',
    description:
      'Bytes that may be stored for a network: 256 MiB. A frame counts 256 bytes more than it holds. Past it frames are refused (`storage_quota_exceeded`) until others are acknowledged or expire.',
  }),
  auditRetentionDays: described(wholeNumber(1, 3_650).default(400), {
    variable: 'YGGDRASIL_AUDIT_RETENTION_DAYS',
    description:
      'Days that records of the audit are kept. Of one tenant 200,000 are kept at most, the newest.',
  }),
  readingsRetentionDays: described(wholeNumber(1, 3_650).default(365), {
    variable: 'YGGDRASIL_READINGS_RETENTION_DAYS',
    description: 'Days that the history of readings is kept, where a tenant chose nothing else.',
  }),
  readingsBytesMax: described(wholeNumber(1_048_576, 1_099_511_627_776).default(268_435_456), {
    variable: 'YGGDRASIL_READINGS_BYTES_MAX',
    description:
      'Bytes of readings that are kept for a network: 256 MiB, about two million. Past it the oldest go.',
  }),
  tenantStreamBytesMax: described(wholeNumber(1_048_576, 1_099_511_627_776).default(1_073_741_824), {
    variable: 'YGGDRASIL_TENANT_STREAM_BYTES_MAX',
    description: 'The same for all networks of a tenant together: 1 GiB.',
  }),
  mqttSessionMessagesMax: described(wholeNumber(1, 1_000_000).default(10_000), {
    variable: 'YGGDRASIL_MQTT_SESSION_MESSAGES_MAX',
    description:
      'Messages of MQTT that wait for one lasting session, of a device that is away or slow. Past this and the next four what comes is dropped, and both ends are told.',
  }),
  mqttSessionBytesMax: described(wholeNumber(1_024, 1_099_511_627_776).default(16_777_216), {
    variable: 'YGGDRASIL_MQTT_SESSION_BYTES_MAX',
    description: 'Bytes of them: 16 MiB.',
  }),
  mqttDeviceBytesMax: described(wholeNumber(1_024, 1_099_511_627_776).default(67_108_864), {
    variable: 'YGGDRASIL_MQTT_DEVICE_BYTES_MAX',
    description: 'The same for all sessions of a device in a network together: 64 MiB.',
  }),
  mqttNetworkBytesMax: described(wholeNumber(1_024, 1_099_511_627_776).default(134_217_728), {
    variable: 'YGGDRASIL_MQTT_NETWORK_BYTES_MAX',
    description: 'The same for all sessions of a network together: 128 MiB.',
  }),
  mqttTenantBytesMax: described(wholeNumber(1_024, 1_099_511_627_776).default(536_870_912), {
    variable: 'YGGDRASIL_MQTT_TENANT_BYTES_MAX',
    description: 'The same for all networks of a tenant that are in use: 512 MiB.',
  }),
  tenantReleaseBytesMax: described(wholeNumber(1_048_576, 1_099_511_627_776).default(268_435_456), {
    variable: 'YGGDRASIL_TENANT_RELEASE_BYTES_MAX',
    description: 'Bytes of the releases that a tenant keeps for its devices: 256 MiB.',
  }),
  diskReserveBytes: described(wholeNumber(0, 1_099_511_627_776).default(268_435_456), {
    variable: 'YGGDRASIL_DISK_RESERVE_BYTES',
    description:
      "Free bytes of the embedded database's disk below which nothing more is stored (`storage_full`): 256 MiB. What reads, removes and ends something goes on.",
  }),
  rateLimits: described(oneOf(SWITCH).default('on'), {
    variable: 'YGGDRASIL_RATE_LIMITS',
    description:
      'Whether requests and messages are counted: `on`, `off`. What is too much is refused with 429 and `rate_limited`, and says when to come again.',
  }),
  tokenRequestsPerMinute: described(wholeNumber(1, 1_000_000_000).default(6_000), {
    variable: 'YGGDRASIL_TOKEN_REQUESTS_PER_MINUTE',
    description: 'Requests of one token in a minute.',
  }),
  tenantRequestsPerMinute: described(wholeNumber(1, 1_000_000_000).default(30_000), {
    variable: 'YGGDRASIL_TENANT_REQUESTS_PER_MINUTE',
    description: 'Requests in one tenant in a minute, of all its tokens.',
  }),
  addressRequestsPerMinute: described(wholeNumber(1, 1_000_000_000).default(3_000), {
    variable: 'YGGDRASIL_ADDRESS_REQUESTS_PER_MINUTE',
    description:
      'Requests of one address in a minute by callers who have not said who they are, and tokens from there that nobody has; IPv6 counts by its first 64 bits.',
  }),
  tenantMessagesPerMinute: described(wholeNumber(1, 1_000_000_000).default(1_200_000), {
    variable: 'YGGDRASIL_TENANT_MESSAGES_PER_MINUTE',
    description: "Frames and MQTT publications of a tenant's devices in a minute.",
  }),
  abuseMeasures: described(oneOf(ABUSE_MEASURES).default('on'), {
    variable: 'YGGDRASIL_ABUSE_MEASURES',
    description:
      'What is done about guessing, floods and unusual spending: `on` (throttled, cut off or locked for a time, and told), `alert` (told only).',
  }),
  alertTo: described(mailAddress.optional(), {
    variable: 'YGGDRASIL_ALERT_TO',
    description: 'Mail address that is told of what looks like abuse, where there is a mail server.',
    unset: 'the addresses of the operators',
  }),
  tenantDevicesMax: described(wholeNumber(1, 1_000_000).default(10_000), {
    variable: 'YGGDRASIL_TENANT_DEVICES_MAX',
    description: 'Devices that a tenant may have.',
  }),
  tenantNetworksMax: described(wholeNumber(1, 10_000).default(100), {
    variable: 'YGGDRASIL_TENANT_NETWORKS_MAX',
    description: 'Networks that a tenant may have.',
  }),
  shutdownTimeoutSeconds: described(wholeNumber(1, 600).default(15), {
    variable: 'YGGDRASIL_SHUTDOWN_TIMEOUT_SECONDS',
    description:
      'Seconds that running requests and transactions get to end when the server stops; 5 more, and it ends with exit code 1.',
  }),
});

export type Values = z.infer<typeof values>;

/** A check over several values runs as soon as these are right by themselves, whatever is wrong with others. */
const onceRight = (...keys: (keyof Values)[]) => ({
  path: keys.slice(0, 1),
  when: ({ issues }: z.core.ParsePayload) =>
    !issues.some(({ path }) => keys.some((key) => key === path?.[0])),
});

const IN_CLEAR_TEXT =
  'admits other machines, whose tokens would cross the network in clear text: set YGGDRASIL_TLS to "files" and give the server a certificate, to "acme" and let it get one, to "proxy" where a proxy in front of the server ends TLS, or to "none" where that is wanted';

/** Every value that a server's operator can set, in the README's order. */
export const configSchema = values
  .refine(
    (config) => config.holdTimeoutSeconds * 1000 > config.requestTimeoutSeconds * 1000 + config.slotWaitMs,
    {
      ...onceRight('holdTimeoutSeconds', 'requestTimeoutSeconds', 'slotWaitMs'),
      message: 'must be longer than YGGDRASIL_REQUEST_TIMEOUT_SECONDS and YGGDRASIL_SLOT_WAIT_MS together',
    },
  )
  .refine((config) => config.port === 0 || config.port !== config.mqttPort, {
    ...onceRight('mqttPort', 'port'),
    message: 'must be another port than YGGDRASIL_PORT',
  })
  .refine(({ ratatoskrPort: own, port, mqttPort }) => !own || (own !== port && own !== mqttPort), {
    ...onceRight('ratatoskrPort', 'port', 'mqttPort'),
    message: 'must be another port than YGGDRASIL_PORT and YGGDRASIL_MQTT_PORT',
  })
  .refine((config) => config.tls !== 'files' || config.tlsCertificateFile !== undefined, {
    ...onceRight('tlsCertificateFile', 'tls'),
    message: 'must name the certificate, because YGGDRASIL_TLS is "files"',
  })
  .refine((config) => config.tls !== 'files' || config.tlsKeyFile !== undefined, {
    ...onceRight('tlsKeyFile', 'tls'),
    message: 'must name the key of the certificate, because YGGDRASIL_TLS is "files"',
  })
  .refine(
    (config) => config.mqttClientAuthorityFile === undefined || ['files', 'acme'].includes(config.tls ?? ''),
    {
      ...onceRight('tls', 'mqttClientAuthorityFile'),
      message: 'must be "files" or "acme", because YGGDRASIL_MQTT_CLIENT_AUTHORITY_FILE is set',
    },
  )
  .refine((config) => config.tls !== 'acme' || config.tlsDomains !== undefined, {
    ...onceRight('tlsDomains', 'tls'),
    message: 'must say the names of the server, because YGGDRASIL_TLS is "acme"',
  })
  .refine((config) => config.smtpUrl === undefined || config.mailFrom !== undefined, {
    ...onceRight('mailFrom', 'smtpUrl'),
    message: 'must name the sender, because YGGDRASIL_SMTP_URL is set',
  })
  .refine((config) => config.oidc === undefined || config.publicUrl !== undefined, {
    ...onceRight('publicUrl', 'oidc'),
    message: 'must say where the server is reached, because YGGDRASIL_OIDC is set',
  })
  .refine((config) => config.tls !== undefined || isLoopback(config.host), {
    ...onceRight('host', 'tls'),
    message: IN_CLEAR_TEXT,
  })
  .refine(
    (config) => config.tls !== undefined || config.mqttHost === undefined || isLoopback(config.mqttHost),
    { ...onceRight('mqttHost', 'tls'), message: IN_CLEAR_TEXT },
  )
  .refine((config) => config.mdns !== 'on' || !isLoopback(config.host), {
    ...onceRight('mdns', 'host'),
    message: 'must be "off", because no other machine reaches YGGDRASIL_HOST',
  })
  .refine((config) => config.mdns !== 'on' || config.tls !== 'proxy' || config.publicUrl !== undefined, {
    ...onceRight('publicUrl', 'mdns', 'tls'),
    message: 'must say where the proxy is reached, because YGGDRASIL_MDNS is "on"',
  })
  .transform((config) => ({
    ...config,
    mdns: config.mdns ?? (isFoundAtHome(config) ? 'on' : 'off'),
    mqttHost: config.mqttHost ?? config.host,
    tlsDomains: config.tlsDomains ?? [],
    acmeEmail: config.acmeEmail ?? null,
    ratatoskr: config.ratatoskr ?? (config.role === 'asgard' ? 'off' : 'on'),
    ratatoskrPort: config.ratatoskrPort ?? null,
    trustedProxies: config.trustedProxies ?? [],
    corsOrigins: config.corsOrigins ?? [],
    publicUrl: config.publicUrl ?? null,
    oidc: config.oidc ?? [],
  }));

/** A home server that others reach, and that can say where. */
function isFoundAtHome({ role, host, tls, publicUrl }: Values): boolean {
  return role === 'asgard' && !isLoopback(host) && (tls !== 'proxy' || publicUrl !== undefined);
}

/** The configuration of a server: all defaults filled in. */
export type Config = Readonly<z.infer<typeof configSchema>>;

/** True where the server itself speaks TLS. */
export const endsTls = ({ tls }: Pick<Config, 'tls'>): boolean => tls === 'files' || tls === 'acme';
