import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { centsToMicrocents, parsePrice } from '../kernel/money.ts';

/** How a value's variable is called and shown in the README. */
export interface Variable {
  readonly variable: string;
  readonly description: string;
  /** What the README shows where there is no default. */
  readonly unset?: string;
  /** It lets somebody in, or holds what does: nobody is shown it. */
  readonly isSecret?: true;
}

/** A value with its variable, for the README. */
export const described = <T extends z.ZodType>(schema: T, variable: Variable): T =>
  schema.meta({ ...variable });

/** A whole number in text. */
export const wholeNumber = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((number) => number >= min && number <= max, message);
};

/** Up to 1,000 cents with up to six decimals, which `parsePrice` reads. */
export const priceInCents = z
  .string()
  .max(20)
  .refine((cents) => {
    const price = parsePrice(cents);
    return price !== null && price <= centsToMicrocents(1_000n);
  }, 'must be cents from 0 to 1000 with up to six decimals');

/** One of a few words. */
export const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export const COST_ROUNDINGS = ['microcent', 'cent'] as const;

export const text = z.string().min(1).max(1_000);

export const hostAddress = z
  .string()
  .refine((host) => isIP(host) !== 0 || host === 'localhost', 'must be an IP address of this machine');

export const TLS_ENDS = ['files', 'acme', 'proxy', 'none'] as const;
export const TLS_VERSIONS = ['1.2', '1.3'] as const;

/** `192.0.2.1`, `2001:db8::/32`. Not all addresses there are: that would be trust in everybody. */
function isAddressRange(range: string): boolean {
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return false;
  return prefix === undefined || (Number(prefix) >= 1 && Number(prefix) <= (family === 4 ? 32 : 128));
}

const listOf = (text: string) => text.split(',').map((entry) => entry.trim());

export const addressRanges = z
  .string()
  .max(10_000)
  .refine(
    (text) => listOf(text).every(isAddressRange),
    'must be IP addresses and ranges of them (192.0.2.0/24), separated by commas',
  )
  .transform(listOf)
  .optional();

/** A name that an authority gives a certificate for: not `localhost`, no address, no wildcard. */
const isDomain = (name: string) =>
  name.length <= 253 &&
  isIP(name) === 0 &&
  /^(?!-)[a-z\d-]{1,63}(?<!-)(\.(?!-)[a-z\d-]{1,63}(?<!-))+$/.test(name);

export const domains = z
  .string()
  .max(10_000)
  .transform((text) => listOf(text).map((name) => domainToASCII(name).toLowerCase()))
  .refine(
    (names) => names.length <= 100 && names.every(isDomain),
    'must be names as home.example.org, separated by commas, without wildcards',
  )
  .optional();

export const uuids = z
  .string()
  .max(10_000)
  .transform(listOf)
  .refine((ids) => ids.every((id) => z.uuid().safeParse(id).success), 'must be ids, separated by commas');

export const httpsUrl = z
  .string()
  .max(1_000)
  .refine(
    (text) => URL.canParse(text) && new URL(text).protocol === 'https:',
    'must be an address that begins with https://',
  );

export const ENCRYPTION = ['required', 'declinable'] as const;

export const SWITCH = ['on', 'off'] as const;

export const ROLES = ['yggdrasil', 'asgard'] as const;

const isOrigin = (text: string) =>
  /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;

export const origins = z
  .string()
  .max(10_000)
  .refine(
    (text) => listOf(text).every(isOrigin),
    'must be origins (https://app.example.org) without a path, separated by commas',
  )
  .transform(listOf)
  .optional();

export const publicUrl = z
  .string()
  .max(1_000)
  .refine(isOrigin, 'must be an origin without a path: https://home.example.org')
  .optional();

export const ABUSE_MEASURES = ['on', 'alert'] as const;

export const APPROVALS = ['rule', 'hand'] as const;
export const PASSWORDS = ['off', 'on'] as const;
export const SIGN_UP = ['closed', 'open'] as const;

export const smtpUrl = z
  .string()
  .max(1_000)
  .refine(
    (url) => /^smtps?:\/\/[^/]/.test(url) && URL.canParse(url),
    'must have the form smtps://user:password@host:465',
  )
  .optional();

const MQTT_URL = 'must have the form mqtt://user:password@host:1883 or mqtts://user:password@host:8883';

/** A broker of somebody else's, and how we sign in there. */
export const mqttUrl = z.string().max(1_000).refine(isMqttUrl, MQTT_URL).optional();

/** Name and password are percent-encoded: a `%` that begins nothing can't be read. */
function isMqttUrl(url: string): boolean {
  if (!/^mqtts?:\/\/[^/]/.test(url) || !URL.canParse(url)) return false;
  const { hostname, username, password } = new URL(url);
  return hostname !== '' && !/%(?![\da-f]{2})/i.test(username + password);
}

export const mailAddress = z.email('must be a mail address').max(254);

function isDatabaseUrl(url: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { username, pathname } = new URL(url);
  return username !== '' && pathname.length > 1;
}

export const databaseUrl = z
  .string()
  .refine(isDatabaseUrl, 'must have the form postgres://user:password@host:port/database')
  .optional();
