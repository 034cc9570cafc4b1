import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  describeConfig,
  readConfig,
  renderConfigTable,
  showConfig,
} from '../../../server/config/index.ts';
import { StartError } from '../../../server/kernel/start-error.ts';

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  test('of an empty environment is complete and local', () => {
    expect(readConfig({})).toEqual({
      accountDeletionDays: 14,
      auditRetentionDays: 400,
      rateLimits: 'on',
      abuseMeasures: 'on',
      tokenRequestsPerMinute: 6_000,
      tenantRequestsPerMinute: 30_000,
      addressRequestsPerMinute: 3_000,
      tenantMessagesPerMinute: 1_200_000,
      tenantDevicesMax: 10_000,
      tenantNetworksMax: 100,
      host: '127.0.0.1',
      port: 8080,
      mqttHost: '127.0.0.1',
      mqttDeviceBytesMax: 67_108_864,
      mqttNetworkBytesMax: 134_217_728,
      mqttPort: 1883,
      mqttSessionBytesMax: 16_777_216,
      mqttSessionMessagesMax: 10_000,
      mqttTenantBytesMax: 536_870_912,
      tlsDomains: [],
      acmeDirectory: 'https://acme-v02.api.letsencrypt.org/directory',
      acmeEmail: null,
      acmeHttpPort: 80,
      mqttBrokerClientId: 'yggdrasil',
      tlsVersionMin: '1.3',
      trustedProxies: [],
      corsOrigins: [],
      publicUrl: null,
      oidc: [],
      passwords: 'off',
      signUp: 'closed',
      dataDirectory: './data',
      databasePoolConnectionsMax: 10,
      logLevel: 'info',
      commissionBasisPoints: 1200,
      ownRequestPriceCents: '0',
      costRounding: 'microcent',
      holdTimeoutSeconds: 1200,
      providerFirstTokenTimeoutMs: 30_000,
      providerStallTimeoutMs: 15_000,
      requestTimeoutSeconds: 600,
      slotWaitMs: 10_000,
      allowancePriceCents: '7.5',
      marketPriceGuard: 5,
      marketCheckCentsPerDay: 100,
      marketReleaseAfterHours: 24,
      marketApproval: 'rule',
      heartbeatIntervalSeconds: 30,
      role: 'yggdrasil',
      ratatoskr: 'on',
      ratatoskrPort: null,
      ratatoskrEncryption: 'required',
      ratatoskrKeyGeneration: 1,
      streamRetentionHours: 168,
      streamFramesMax: 100_000,
      readingsBytesMax: 268_435_456,
      readingsRetentionDays: 365,
      mdns: 'off',
      streamBytesMax: 268_435_456,
      tenantStreamBytesMax: 1_073_741_824,
      tenantReleaseBytesMax: 268_435_456,
      diskReserveBytes: 268_435_456,
      shutdownTimeoutSeconds: 15,
    });
  });

  test('takes what the environment gives, and MQTT follows the host', () => {
    const config = readConfig({
      YGGDRASIL_HOST: '0.0.0.0',
      YGGDRASIL_TLS: 'proxy',
      YGGDRASIL_PORT: '0',
      DATABASE_URL: 'postgresql://me:pw@db.example:5433/ygg?sslmode=require',
      PATH: '/usr/bin',
    });
    expect(config).toMatchObject({ host: '0.0.0.0', mqttHost: '0.0.0.0', port: 0 });
    expect(config.databaseUrl).toBe('postgresql://me:pw@db.example:5433/ygg?sslmode=require');
  });

  test('of a home server has no sessions for providers, unless it is said that it has', () => {
    expect(readConfig({ YGGDRASIL_ROLE: 'asgard' })).toMatchObject({ role: 'asgard', ratatoskr: 'off' });
    expect(readConfig({ YGGDRASIL_ROLE: 'asgard', YGGDRASIL_RATATOSKR: 'on' }).ratatoskr).toBe('on');
    expect(readConfig({ YGGDRASIL_RATATOSKR: 'off' }).ratatoskr).toBe('off');
    expect(problemsOf({ YGGDRASIL_ROLE: 'midgard' })).toEqual([
      'YGGDRASIL_ROLE must be one of yggdrasil, asgard',
    ]);
  });

  test('wants a port of its own for Ratatoskr that nothing else has', () => {
    expect(readConfig({ YGGDRASIL_RATATOSKR_PORT: '0', YGGDRASIL_PORT: '0' }).ratatoskrPort).toBe(0);
    for (const YGGDRASIL_RATATOSKR_PORT of ['8080', '1883']) {
      expect(problemsOf({ YGGDRASIL_RATATOSKR_PORT })).toEqual([
        'YGGDRASIL_RATATOSKR_PORT must be another port than YGGDRASIL_PORT and YGGDRASIL_MQTT_PORT',
      ]);
    }
  });

  test('takes a secret for brokers that is long enough to be one', () => {
    const secret = 'a-secret-of-32-characters-at-least';
    expect(readConfig({ YGGDRASIL_MQTT_BROKER_SECRET: secret })).toMatchObject({ mqttBrokerSecret: secret });
    expect(problemsOf({ YGGDRASIL_MQTT_BROKER_SECRET: 'short' })).toEqual([
      'YGGDRASIL_MQTT_BROKER_SECRET must have 32 to 1000 characters of ASCII, and no space',
    ]);
  });

  test('takes the address of a broker, and says nothing of the password in a wrong one', () => {
    const url = 'mqtts://user:hush@broker.example:8883';
    expect(readConfig({ YGGDRASIL_MQTT_BROKER_URL: url }).mqttBrokerUrl).toBe(url);
    for (const wrong of [
      'mqtt://me:100%@host',
      'https://user:hush@broker.example',
      'mqtt:///',
      'broker.example:1883',
    ]) {
      expect(problemsOf({ YGGDRASIL_MQTT_BROKER_URL: wrong })).toEqual([
        'YGGDRASIL_MQTT_BROKER_URL must have the form mqtt://user:password@host:1883 or mqtts://user:password@host:8883',
      ]);
    }
    expect(problemsOf({ YGGDRASIL_MQTT_BROKER_CLIENT_ID: 'a/b' })).toEqual([
      'YGGDRASIL_MQTT_BROKER_CLIENT_ID must have 1 to 23 letters, digits, - and _',
    ]);
  });

  test('counts an empty variable as unset', () => {
    expect(readConfig({ YGGDRASIL_PORT: '', DATABASE_URL: '' })).toEqual(readConfig({}));
  });

  test('reports all problems at once, cross-checks and unknown variables among them, and no value', () => {
    const environment = {
      YGGDRASIL_PORT: 'eighty',
      YGGDRASIL_MQTT_PORT: '65536',
      YGGDRASIL_LOG_LEVEL: 'loud',
      YGGDRASIL_COMMISSION_BASIS_POINTS: '999',
      YGGDRASIL_HOLD_TIMEOUT_SECONDS: '600',
      DATABASE_URL: 'postgres://db-without-user/ygg',
      YGGDRASIL_PROT: '8080',
    };
    expect(problemsOf(environment)).toEqual([
      'YGGDRASIL_PORT must be a whole number from 0 to 65535',
      'YGGDRASIL_MQTT_PORT must be a whole number from 0 to 65535',
      'DATABASE_URL must have the form postgres://user:password@host:port/database',
      'YGGDRASIL_LOG_LEVEL must be one of debug, info, warn, error, silent',
      'YGGDRASIL_COMMISSION_BASIS_POINTS must be a whole number from 1000 to 1500',
      'YGGDRASIL_HOLD_TIMEOUT_SECONDS must be longer than YGGDRASIL_REQUEST_TIMEOUT_SECONDS and YGGDRASIL_SLOT_WAIT_MS together',
      'YGGDRASIL_PROT is unknown',
    ]);
  });

  test('that is wrong is an error for the operator, one line a problem', () => {
    const attempt = () => readConfig({ YGGDRASIL_PORT: '-1', YGGDRASIL_X: '1' });
    expect(attempt).toThrow(StartError);
    expect(attempt).toThrow(
      'The configuration is wrong:\n  YGGDRASIL_PORT must be a whole number from 0 to 65535\n  YGGDRASIL_X is unknown',
    );
  });

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('takes %s without TLS', (host) => {
    expect(problemsOf({ YGGDRASIL_HOST: host })).toEqual([]);
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', '2001:db8::1', '::ffff:10.0.0.1'])(
    'refuses %s without TLS, unless it is said who ends it or that nobody does',
    (host) => {
      for (const variable of ['YGGDRASIL_HOST', 'YGGDRASIL_MQTT_HOST']) {
        expect(problemsOf({ [variable]: host })).toEqual([
          expect.stringMatching(`^${variable} admits other machines, .* set YGGDRASIL_TLS to "files"`),
        ]);
        for (const YGGDRASIL_TLS of ['proxy', 'none']) {
          expect(problemsOf({ [variable]: host, YGGDRASIL_TLS })).toEqual([]);
        }
      }
      expect(problemsOf({ YGGDRASIL_HOST: host, YGGDRASIL_TLS: 'yes' })).toEqual([
        'YGGDRASIL_TLS must be one of files, acme, proxy, none',
      ]);
    },
  );

  test('wants both files of a certificate where the server ends TLS', () => {
    expect(problemsOf({ YGGDRASIL_TLS: 'files' })).toEqual([
      expect.stringMatching('^YGGDRASIL_TLS_CERTIFICATE_FILE must name'),
      expect.stringMatching('^YGGDRASIL_TLS_KEY_FILE must name'),
    ]);
    const files = { YGGDRASIL_TLS_CERTIFICATE_FILE: '/tls/a.crt', YGGDRASIL_TLS_KEY_FILE: '/tls/a.key' };
    expect(problemsOf({ YGGDRASIL_TLS: 'files', ...files, YGGDRASIL_HOST: '0.0.0.0' })).toEqual([]);
    expect(problemsOf({ YGGDRASIL_TLS_VERSION_MIN: '1.1' })).toEqual([
      'YGGDRASIL_TLS_VERSION_MIN must be one of 1.2, 1.3',
    ]);
  });

  test('wants names where the server gets its certificate by itself, and takes none that no authority would', () => {
    expect(problemsOf({ YGGDRASIL_TLS: 'acme' })).toEqual([
      expect.stringMatching('^YGGDRASIL_TLS_DOMAINS must say the names'),
    ]);
    const named = readConfig({
      YGGDRASIL_TLS: 'acme',
      YGGDRASIL_TLS_DOMAINS: 'Home.example.org, bücher.example',
    });
    expect(named.tlsDomains).toEqual(['home.example.org', 'xn--bcher-kva.example']);
    for (const name of ['localhost', '192.0.2.1', '*.example.org', 'a..b', '-a.example', 'a b.example', '']) {
      expect(problemsOf({ YGGDRASIL_TLS_DOMAINS: `home.example.org,${name}` })).toEqual([
        'YGGDRASIL_TLS_DOMAINS must be names as home.example.org, separated by commas, without wildcards',
      ]);
    }
    expect(problemsOf({ YGGDRASIL_ACME_DIRECTORY: 'http://ca.example.org/dir' })).toEqual([
      'YGGDRASIL_ACME_DIRECTORY must be an address that begins with https://',
    ]);
  });

  test('wants a sender with a mail server, and takes no other address of one', () => {
    const YGGDRASIL_SMTP_URL = 'smtps://me:secret@mail.example.org:465';
    expect(problemsOf({ YGGDRASIL_SMTP_URL })).toEqual([
      expect.stringMatching('^YGGDRASIL_MAIL_FROM must name the sender'),
    ]);
    expect(problemsOf({ YGGDRASIL_SMTP_URL, YGGDRASIL_MAIL_FROM: 'no-reply@example.org' })).toEqual([]);
    expect(problemsOf({ YGGDRASIL_SMTP_URL: 'https://mail.example.org', YGGDRASIL_MAIL_FROM: 'x' })).toEqual([
      'YGGDRASIL_SMTP_URL must have the form smtps://user:password@host:465',
      'YGGDRASIL_MAIL_FROM must be a mail address',
    ]);
  });

  test('takes proxies by address and by range', () => {
    const YGGDRASIL_TRUSTED_PROXIES = '192.0.2.1, 10.0.0.0/8,2001:db8::/32,::1';
    expect(readConfig({ YGGDRASIL_TRUSTED_PROXIES }).trustedProxies).toEqual([
      '192.0.2.1',
      '10.0.0.0/8',
      '2001:db8::/32',
      '::1',
    ]);
  });

  test('takes issuers by preset and by address, and says nothing of the secrets in a wrong list', () => {
    const client = { clientId: 'id', clientSecret: 'hush' };
    const given = [
      { name: 'google', preset: 'google', ...client },
      { name: 'work', title: 'Work', issuer: 'https://id.example.org', ...client },
    ];
    const YGGDRASIL_PUBLIC_URL = 'https://home.example.org';
    const { oidc } = readConfig({ YGGDRASIL_OIDC: JSON.stringify(given), YGGDRASIL_PUBLIC_URL });
    expect(oidc.map(({ title, issuer }) => [title, issuer])).toEqual([
      ['Google', 'https://accounts.google.com'],
      ['Work', 'https://id.example.org'],
    ]);
    expect(problemsOf({ YGGDRASIL_OIDC: JSON.stringify(given) })).toEqual([
      expect.stringMatching('^YGGDRASIL_PUBLIC_URL must say where'),
    ]);
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const apple = { name: 'apple', preset: 'apple', clientId: 'id', teamId: 'T1', keyId: 'K1', privateKey };
    const signed = readConfig({ YGGDRASIL_OIDC: JSON.stringify([apple]), YGGDRASIL_PUBLIC_URL });
    expect(signed.oidc).toMatchObject([
      { responseMode: 'form_post', client: { teamId: 'T1', keyId: 'K1', privateKey } },
    ]);
    const [google, work] = given;
    for (const wrong of [
      [google, google],
      [{ ...google, issuer: 'https://a.example' }],
      [client],
      'no list',
      [{ ...work, issuer: 'http://id.example.org' }],
      [{ ...apple, clientSecret: 'hush' }],
      [{ ...apple, keyId: undefined }],
      [{ ...apple, privateKey: 'hush' }],
    ]) {
      const problems = problemsOf({ YGGDRASIL_OIDC: JSON.stringify(wrong), YGGDRASIL_PUBLIC_URL });
      expect(problems).toEqual([expect.stringMatching('^YGGDRASIL_OIDC must be JSON')]);
      expect(problems[0]).not.toMatch(/hush/);
    }
  });

  test('asks for certificates of clients only where it ends TLS itself', () => {
    const given = { YGGDRASIL_MQTT_CLIENT_AUTHORITY_FILE: '/etc/authority.crt' };
    const message =
      'YGGDRASIL_TLS must be "files" or "acme", because YGGDRASIL_MQTT_CLIENT_AUTHORITY_FILE is set';
    expect(problemsOf(given)).toEqual([message]);
    expect(problemsOf({ ...given, YGGDRASIL_TLS: 'proxy' })).toEqual([message]);
  });

  test('announces home servers that others reach, and others where they are asked to', () => {
    const open = { YGGDRASIL_HOST: '0.0.0.0', YGGDRASIL_TLS: 'none' };
    const asgard = { YGGDRASIL_ROLE: 'asgard' };
    const mdnsOf = (environment: Readonly<Record<string, string>>) => readConfig(environment).mdns;
    expect([mdnsOf({}), mdnsOf(open), mdnsOf(asgard)]).toEqual(['off', 'off', 'off']);
    expect(mdnsOf({ ...asgard, ...open })).toBe('on');
    expect(mdnsOf({ ...asgard, ...open, YGGDRASIL_MDNS: 'off' })).toBe('off');
    expect(mdnsOf({ ...open, YGGDRASIL_MDNS: 'on' })).toBe('on');
    // Behind a proxy nobody could say where it is reached.
    expect(mdnsOf({ ...asgard, ...open, YGGDRASIL_TLS: 'proxy' })).toBe('off');
    expect(problemsOf({ ...open, YGGDRASIL_TLS: 'proxy', YGGDRASIL_MDNS: 'on' })).toEqual([
      'YGGDRASIL_PUBLIC_URL must say where the proxy is reached, because YGGDRASIL_MDNS is "on"',
    ]);
    expect(problemsOf({ YGGDRASIL_MDNS: 'on' })).toEqual([
      'YGGDRASIL_MDNS must be "off", because no other machine reaches YGGDRASIL_HOST',
    ]);
  });

  test('takes origins as browsers say them, and nothing that is none', () => {
    const origins = 'https://app.example.org, http://localhost:3000';
    expect(readConfig({ YGGDRASIL_CORS_ORIGINS: origins }).corsOrigins).toEqual([
      'https://app.example.org',
      'http://localhost:3000',
    ]);
    for (const wrong of [
      '*',
      'https://a.example/',
      'https://A.example',
      'a.example',
      'https://a.example,',
      'null',
    ]) {
      expect(problemsOf({ YGGDRASIL_CORS_ORIGINS: wrong })).toEqual([
        'YGGDRASIL_CORS_ORIGINS must be origins (https://app.example.org) without a path, separated by commas',
      ]);
    }
    expect(problemsOf({ YGGDRASIL_PUBLIC_URL: 'https://home.example.org/app' })).toEqual([
      'YGGDRASIL_PUBLIC_URL must be an origin without a path: https://home.example.org',
    ]);
  });

  test.each([
    'proxy.example',
    '192.0.2.1,',
    '192.0.2.1/33',
    '10.0.0.0/',
    '0.0.0.0/0',
    '::/0',
    '::1/129',
    '10.1',
    'fe80::1%eth0',
    '10.0.0.0/8/8',
  ])('refuses the proxies %j', (proxies) => {
    expect(problemsOf({ YGGDRASIL_TRUSTED_PROXIES: proxies })).toEqual([
      'YGGDRASIL_TRUSTED_PROXIES must be IP addresses and ranges of them (192.0.2.0/24), separated by commas',
    ]);
  });

  test.each(['1.5', '1e3', '0x10', ' 80', '-0', '٣', '99999999999999999999'])(
    'refuses the number %j',
    (text) => {
      expect(problemsOf({ YGGDRASIL_PORT: text })).toHaveLength(1);
    },
  );

  test.each([
    ['YGGDRASIL_COMMISSION_BASIS_POINTS', '1000', '1500', '999', '1501'],
    ['YGGDRASIL_MARKET_PRICE_GUARD', '2', '1000', '1', '1001'],
    ['YGGDRASIL_MARKET_RELEASE_AFTER', '0', '2160', '-1', '2161'],
    ['YGGDRASIL_OWN_REQUEST_PRICE_CENTS', '0.000001', '1000', '0.0000001', '1000.000001'],
    ['YGGDRASIL_MARKET_ALLOWANCE_PRICE', '0.000001', '1000', '0', '1000.000001'],
    ['YGGDRASIL_PORT', '0', '65535', '-1', '65536'],
  ])('%s takes its bounds and nothing past them', (variable, min, max, below, above) => {
    expect(problemsOf({ [variable]: min })).toEqual([]);
    expect(problemsOf({ [variable]: max })).toEqual([]);
    expect(problemsOf({ [variable]: below })).toHaveLength(1);
    expect(problemsOf({ [variable]: above })).toHaveLength(1);
  });
});

describe("the README's table", () => {
  test('has a line with a default and a meaning for each variable', () => {
    const rows = describeConfig();
    expect(renderConfigTable().split('\n')).toHaveLength(rows.length + 2);
    for (const row of rows) {
      expect(row.variable).toMatch(/^(YGGDRASIL_[A-Z_]+|DATABASE_URL)$/);
      expect(row.description).toMatch(/\.$/);
      expect(row.fallback).not.toMatch(/undefined/);
    }
  });

  test('names each variable once, and each default is one that the variable takes', () => {
    const rows = describeConfig();
    expect(new Set(rows.map(({ variable }) => variable)).size).toBe(rows.length);
    const defaults = rows.flatMap(({ variable, fallback }) =>
      /^`[^`]+`$/.test(fallback) ? [[variable, fallback.slice(1, -1)] as const] : [],
    );
    expect(readConfig(Object.fromEntries(defaults))).toEqual(readConfig({}));
  });
});

describe('what an operator is shown of the configuration', () => {
  const secrets = {
    YGGDRASIL_MQTT_BROKER_SECRET: 'hush'.repeat(10),
    YGGDRASIL_MQTT_BROKER_URL: 'mqtts://user:hush@broker.example.org',
    YGGDRASIL_SMTP_URL: 'smtps://user:hush@mail.example.org:465',
    YGGDRASIL_OIDC: JSON.stringify([
      { name: 'google', preset: 'google', clientId: 'id', clientSecret: 'hush' },
    ]),
    DATABASE_URL: 'postgres://user:hush@db.example.org:5432/yggdrasil',
  };
  const shown = showConfig(
    readConfig({
      ...secrets,
      YGGDRASIL_MAIL_FROM: 'y@example.org',
      YGGDRASIL_PUBLIC_URL: 'https://y.example.org',
      YGGDRASIL_CORS_ORIGINS: 'https://a.example.org,https://b.example.org',
    }),
  );
  const of = (variable: string) => shown.find((setting) => setting.variable === variable);

  test('is each variable with what is in force, and whether that is the default', () => {
    expect(shown.map(({ variable }) => variable)).toEqual(describeConfig().map(({ variable }) => variable));
    expect(of('YGGDRASIL_PORT')).toMatchObject({ value: '8080', isSet: false, isSecret: false });
    expect(of('YGGDRASIL_PUBLIC_URL')).toMatchObject({ value: 'https://y.example.org', isSet: true });
    expect(of('YGGDRASIL_TLS')).toMatchObject({ value: null, isSet: false });
    expect(of('YGGDRASIL_CORS_ORIGINS')?.value).toBe('https://a.example.org,https://b.example.org');
  });

  test('is of a secret only that it is set', () => {
    expect(shown.filter(({ isSecret }) => isSecret).map(({ variable }) => variable)).toEqual(
      expect.arrayContaining(Object.keys(secrets)),
    );
    for (const variable of Object.keys(secrets))
      expect(of(variable)).toMatchObject({ value: null, isSet: true });
    expect(JSON.stringify(shown.map(({ value }) => value))).not.toContain('hush');
  });
});
