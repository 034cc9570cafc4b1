import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, jwtVerify } from 'jose';
import Provider from 'oidc-provider';

/** What the issuer says of somebody, by the name that they sign in with. */
export type Person = Readonly<Record<string, unknown>>;

/** An issuer of OpenID Connect on this machine. Whoever gives a name of `people` is taken for them. */
export interface OidcIssuer {
  readonly url: string;
  readonly people: Map<string, Person>;
  /** From now on it signs with another key, and the one before is gone. */
  changeKey(): Promise<void>;
  /** From now on it says that it is another issuer, in what it signs. */
  pretend(issuer: string): Promise<void>;
  close(): Promise<void>;
}

export const CLIENT = { clientId: 'yggdrasil', clientSecret: 'a-secret-of-the-client' };

/** A client that signs its secret, as Apple's do; it is known to the issuer by another name. */
export const SIGNING_CLIENT = {
  clientId: 'yggdrasil-signs',
  teamId: 'TEAM123456',
  keyId: 'KEY1234567',
  ...makeKeys(),
};

function makeKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKey };
}

/** The secret as this issuer knows it, in place of one that is signed as Apple wants it; null: it isn't. */
async function knownSecretOf(form: URLSearchParams, issuer: string): Promise<string | null> {
  const { clientId, teamId, keyId, publicKey } = SIGNING_CLIENT;
  const options = { issuer: teamId, subject: clientId, audience: issuer, algorithms: ['ES256'] };
  const { protectedHeader, payload } = await jwtVerify(form.get('client_secret') ?? '', publicKey, options);
  const lifeSeconds = (payload.exp ?? 0) - (payload.iat ?? 0);
  // Apple takes six months at most.
  return protectedHeader.kid === keyId && lifeSeconds > 0 && lifeSeconds < 15_777_000
    ? CLIENT.clientSecret
    : null;
}

/** Starts it with one client, which may be sent back to these places alone. */
export async function startOidcIssuer(redirectUris: (issuerUrl: string) => string[]): Promise<OidcIssuer> {
  const people = new Map<string, Person>();
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newProvider = async (issuer = url) => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] };
    const provider = new Provider(issuer, {
      jwks,
      clients: [CLIENT.clientId, SIGNING_CLIENT.clientId].map((client_id) => ({
        client_id,
        client_secret: CLIENT.clientSecret,
        redirect_uris: redirectUris(url),
        token_endpoint_auth_method: 'client_secret_post',
      })),
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      // In the ID token, as Google and Apple do.
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      findAccount: (_, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, ...people.get(id) }),
      }),
      cookies: { keys: ['test'] },
      features: { devInteractions: { enabled: true } },
    });
    provider.use(withKnownSecret(url));
    return provider.callback();
  };
  let handle = await newProvider();
  return {
    url,
    people,
    async changeKey() {
      handle = await newProvider();
    },
    async pretend(issuer) {
      handle = await newProvider(issuer);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Turns a secret that a client has signed into the one that the library compares. */
function withKnownSecret(issuer: string): Parameters<Provider['use']>[0] {
  return async (context, next) => {
    if (context.path === '/token') {
      const form = new URLSearchParams(await text(context.req));
      if (form.get('client_id') === SIGNING_CLIENT.clientId) {
        const secret = await knownSecretOf(form, issuer).catch(() => null);
        form.set('client_secret', secret ?? 'wrong');
      }
      Object.assign(context.req, { body: form.toString() });
    }
    await next();
  };
}

/** A browser as far as redirects, cookies and forms go; cookies are kept by host, whatever their path. */
export class FormBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #address: string;

  /** `address`: where it is, for a server that believes `X-Forwarded-For`. */
  constructor(address = '127.0.0.1') {
    this.#address = address;
  }

  /** One request, with what it sets kept; no redirect is followed. */
  async ask(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    const response = await fetch(url, {
      redirect: 'manual',
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        'x-forwarded-for': this.#address,
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const index = pair.indexOf('=');
      if (/max-age=0|1970/i.test(line)) jar.delete(pair.slice(0, index));
      else jar.set(pair.slice(0, index), pair.slice(index + 1));
    }
    return response;
  }

  cookieOf(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).host)?.get(name);
  }

  /** Signs in at the issuer as this person, and agrees; the address that the issuer sends the browser to. */
  async signInAt(authorizationUrl: string, person: string, until: string): Promise<string> {
    let url = authorizationUrl;
    for (let steps = 0; steps < 12; steps++) {
      if (url.startsWith(until)) return url;
      let response = await this.ask(url);
      if (response.status === 200) {
        const page = await response.text();
        const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? '';
        const action = /action="([^"]+)"/.exec(page)?.[1] ?? '';
        response = await this.ask(new URL(action, url).href, { prompt, login: person, password: 'any' });
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
      url = new URL(location, url).href;
    }
    throw new Error('the issuer sends the browser in circles');
  }
}
