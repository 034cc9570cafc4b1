import { isIP } from 'node:net';
import { z } from 'zod';
import { isLoopback } from '../kernel/network-address.ts';

/** How a value's variable is called and shown in the README. */
interface Variable {
  readonly variable: string;
  readonly description: string;
  /** What the README shows where there is no default. */
  readonly unset?: string;
}

const described = <T extends z.ZodType>(schema: T, variable: Variable): T => schema.meta({ ...variable });

/** A whole number in text. */
const wholeNumber = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((number) => number >= min && number <= max, message);
};

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const COST_ROUNDINGS = ['microcent', 'cent'] as const;

const text = z.string().min(1).max(1_000);

const hostAddress = z
  .string()
  .refine((host) => isIP(host) !== 0 || host === 'localhost', 'must be an IP address of this machine');

const TLS_ENDS = ['proxy', 'none'] as const;

/** `192.0.2.1`, `2001:db8::/32`. Not all addresses there are: that would be trust in everybody. */
function isAddressRange(range: string): boolean {
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return false;
  return prefix === undefined || (Number(prefix) >= 1 && Number(prefix) <= (family === 4 ? 32 : 128));
}

const listOf = (text: string) => text.split(',').map((entry) => entry.trim());

const addressRanges = z
  .string()
  .max(10_000)
  .refine(
    (text) => listOf(text).every(isAddressRange),
    'must be IP addresses and ranges of them (192.0.2.0/24), separated by commas',
  )
  .transform(listOf)
  .optional();

function isDatabaseUrl(url: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { username, pathname } = new URL(url);
  return username !== '' && pathname.length > 1;
}

const databaseUrl = z
  .string()
  .refine(isDatabaseUrl, 'must have the form postgres://user:password@host:port/database')
  .optional();

const values = z.object({
  host: described(hostAddress.default('127.0.0.1'), {
    variable: 'YGGDRASIL_HOST',
    description: 'Address the HTTP and WebSocket listener binds; `0.0.0.0` admits other machines.',
  }),
  port: described(wholeNumber(0, 65_535).default(8_080), {
    variable: 'YGGDRASIL_PORT',
    description: 'Port for HTTP and WebSocket; 0 takes any free one.',
  }),
  mqttHost: described(hostAddress.optional(), {
    variable: 'YGGDRASIL_MQTT_HOST',
    description: 'Address the MQTT listener binds.',
    unset: 'as `YGGDRASIL_HOST`',
  }),
  mqttPort: described(wholeNumber(0, 65_535).default(1_883), {
    variable: 'YGGDRASIL_MQTT_PORT',
    description: 'Port for MQTT 3.1.1; 0 takes any free one.',
  }),
  tls: described(z.enum(TLS_ENDS, `must be one of ${TLS_ENDS.join(', ')}`).optional(), {
    variable: 'YGGDRASIL_TLS',
    description:
      'Who ends TLS where the server listens for other machines: `proxy` (one in front of it), `none` (nobody: tokens cross the network in clear text). Without it the server listens for its own machine only.',
    unset: 'not said',
  }),
  trustedProxies: described(addressRanges, {
    variable: 'YGGDRASIL_TRUSTED_PROXIES',
    description:
      'Proxies that are believed when they say in `X-Forwarded-For` who the client is: addresses and ranges (`192.0.2.0/24`), separated by commas. From others the header means nothing.',
    unset: 'nobody',
  }),
  dataDirectory: described(text.default('./data'), {
    variable: 'YGGDRASIL_DATA_DIR',
    description: 'Folder for the secrets and the embedded database; made on the first start.',
  }),
  databaseUrl: described(databaseUrl, {
    variable: 'DATABASE_URL',
    description:
      'PostgreSQL 15 to 18, as `postgres://user:password@host:port/database`; `?host=/folder` for a unix socket. The user owns the tables and makes the roles and users that the server works with.',
    unset: 'the embedded PostgreSQL',
  }),
  databasePoolConnectionsMax: described(wholeNumber(1, 100).default(10), {
    variable: 'YGGDRASIL_DATABASE_POOL_CONNECTIONS_MAX',
    description: 'Most database connections of each of the five pools.',
  }),
  logLevel: described(z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'), {
    variable: 'YGGDRASIL_LOG_LEVEL',
    description: 'Least level that is logged: `debug`, `info`, `warn`, `error`, `silent`.',
  }),
  commissionBasisPoints: described(wholeNumber(1_000, 1_500).default(1_200), {
    variable: 'YGGDRASIL_COMMISSION_BASIS_POINTS',
    description: "The platform's share of a request's cost, in hundredths of a percent: 1000 to 1500.",
  }),
  costRounding: described(
    z.enum(COST_ROUNDINGS, `must be one of ${COST_ROUNDINGS.join(', ')}`).default('microcent'),
    {
      variable: 'YGGDRASIL_COST_ROUNDING',
      description: "What a request's cost is rounded up to: `microcent` (a millionth of a cent) or `cent`.",
    },
  ),
  holdTimeoutSeconds: described(wholeNumber(1, 86_400).default(1_200), {
    variable: 'YGGDRASIL_HOLD_TIMEOUT_SECONDS',
    description: "Life of the hold on a requester's balance; must outlast a request and its wait for a slot.",
  }),
  providerFirstTokenTimeoutMs: described(wholeNumber(100, 600_000).default(30_000), {
    variable: 'YGGDRASIL_PROVIDER_FIRST_TOKEN_TIMEOUT_MS',
    description: 'Milliseconds a provider has for the first piece of an answer; then the next one is asked.',
  }),
  providerStallTimeoutMs: described(wholeNumber(100, 600_000).default(15_000), {
    variable: 'YGGDRASIL_PROVIDER_STALL_TIMEOUT_MS',
    description: 'Milliseconds between two pieces of an answer; more is a stall.',
  }),
  requestTimeoutSeconds: described(wholeNumber(1, 7_200).default(600), {
    variable: 'YGGDRASIL_REQUEST_TIMEOUT_SECONDS',
    description: 'Seconds a compute request may take, whoever serves it.',
  }),
  slotWaitMs: described(wholeNumber(0, 600_000).default(10_000), {
    variable: 'YGGDRASIL_SLOT_WAIT_MS',
    description: 'Milliseconds a compute request waits for a slot while every provider is busy.',
  }),
  heartbeatIntervalSeconds: described(wholeNumber(1, 3_600).default(30), {
    variable: 'YGGDRASIL_HEARTBEAT_INTERVAL_SECONDS',
    description: 'Seconds of silence after which a device sends a PING.',
  }),
  streamRetentionHours: described(wholeNumber(1, 8_760).default(168), {
    variable: 'YGGDRASIL_STREAM_RETENTION_HOURS',
    description: 'Hours a stored frame waits for devices that are offline.',
  }),
  streamFramesMax: described(wholeNumber(100, 10_000_000).default(100_000), {
    variable: 'YGGDRASIL_STREAM_FRAMES_MAX',
    description: 'Stored frames a network keeps; the oldest go first.',
  }),
  shutdownTimeoutSeconds: described(wholeNumber(1, 600).default(15), {
    variable: 'YGGDRASIL_SHUTDOWN_TIMEOUT_SECONDS',
    description:
      'Seconds that running requests and transactions get to end when the server stops; 5 more, and it ends with exit code 1.',
  }),
});

type Values = z.infer<typeof values>;

/** A check over several values runs as soon as these are right by themselves, whatever is wrong with others. */
const onceRight = (...keys: (keyof Values)[]) => ({
  path: keys.slice(0, 1),
  when: ({ issues }: z.core.ParsePayload) =>
    !issues.some(({ path }) => keys.some((key) => key === path?.[0])),
});

const IN_CLEAR_TEXT =
  'admits other machines, whose tokens would cross the network in clear text: set YGGDRASIL_TLS to "proxy" where a proxy in front of the server ends TLS, or to "none" where that is wanted';

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
  .refine((config) => config.tls !== undefined || isLoopback(config.host), {
    ...onceRight('host', 'tls'),
    message: IN_CLEAR_TEXT,
  })
  .refine(
    (config) => config.tls !== undefined || config.mqttHost === undefined || isLoopback(config.mqttHost),
    { ...onceRight('mqttHost', 'tls'), message: IN_CLEAR_TEXT },
  )
  .transform((config) => ({
    ...config,
    mqttHost: config.mqttHost ?? config.host,
    trustedProxies: config.trustedProxies ?? [],
  }));

/** The configuration of a server: all defaults filled in. */
export type Config = Readonly<z.infer<typeof configSchema>>;

/** One line of the configuration's description. */
export interface ConfigRow {
  readonly key: keyof Values;
  readonly variable: string;
  /** The default as a variable would hold it, or what happens without one. */
  readonly fallback: string;
  readonly description: string;
}

/** What can be set, in the README's order. */
export function describeConfig(): readonly ConfigRow[] {
  return (Object.keys(values.shape) as (keyof Values)[]).map((key) => {
    const schema: z.ZodType = values.shape[key];
    const { variable, description, unset } = schema.meta() as unknown as Variable;
    const fallback = unset ?? `\`${String(schema.parse(undefined))}\``;
    return { key, variable, fallback, description };
  });
}

/** The Markdown table of the README, between `<!-- config:begin -->` and `<!-- config:end -->`. */
export function renderConfigTable(): string {
  const rows = describeConfig().map(
    (row) => `| \`${row.variable}\` | ${row.fallback} | ${row.description} |`,
  );
  return ['| Variable | Default | Meaning |', '|---|---|---|', ...rows].join('\n');
}
