import { pbkdf2Sync, randomBytes } from 'node:crypto';

/** A device as the files know it. */
export interface BrokerUser {
  readonly deviceId: string;
  readonly networkIds: readonly string[];
}

/** mosquitto's own default (mosquitto_passwd, "$7$"): the passwords here are random, and no iterations make them better. */
const ITERATIONS = 101;
const SALT_BYTES = 12;
const HASH_BYTES = 64;
const PASSWORD_BYTES = 24;

/** What a device says of itself, in the tree of its network. */
const SAID = [
  'readings/#',
  'state/#',
  'settings/#',
  'capabilities',
  'results',
  'shadow/get',
  'shadow/report',
];

/** What stands in a line of both files as it is: more would be another line, or another field of it. */
const NAME = /^[\w.@-]{1,64}$/;

/** The name, where it can stand in the files. Throws an Error for another. */
export function plainName(name: string): string {
  if (NAME.test(name)) return name;
  throw new Error(
    `${JSON.stringify(name.slice(0, 64))} can't be a name in mosquitto's files: take letters, digits and . _ @ -`,
  );
}

/** A password that nobody guesses. */
export const makePassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');

/** A line of mosquitto's password file: PBKDF2 with HMAC-SHA512, as `mosquitto_passwd` writes it. */
export function passwordLine(user: string, password: string, salt: Uint8Array = randomBytes(SALT_BYTES)) {
  const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512');
  return `${user}:$7$${ITERATIONS}$${Buffer.from(salt).toString('base64')}$${hash.toString('base64')}`;
}

/** The lines of a password file, by their user. */
export function readPasswords(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line]));
}

/**
 * mosquitto's ACL file (mosquitto.conf(5), "acl_file"): the server may do everything; a device reads the trees of its networks, and says
 * under its own id what the map of docs/plain-mqtt.md has. Nothing else is anybody's.
 */
export function aclText(serverUser: string, users: readonly BrokerUser[]): string {
  const blocks = users.map(({ deviceId, networkIds }) =>
    [
      `user ${deviceId}`,
      ...networkIds.flatMap((networkId) => [
        `topic read networks/${networkId}/#`,
        ...SAID.map((said) => `topic write networks/${networkId}/devices/${deviceId}/${said}`),
      ]),
      `topic write bifrost/v1/${deviceId}/up`,
      `topic read bifrost/v1/${deviceId}/down`,
    ].join('\n'),
  );
  return `${[`user ${serverUser}\ntopic readwrite #`, ...blocks].join('\n\n')}\n`;
}
