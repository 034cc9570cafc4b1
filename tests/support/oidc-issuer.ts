import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** What the issuer says of somebody, by the name that they sign in with. */
export type Person = Readonly<Record<string, unknown>>;

/** An issuer of OpenID Connect on this machine. Whoever gives a name of `people` is taken for them. */
export interface OidcIssuer {
  readonly url: string;
  readonly people: Map<string, Person>;
  close(): Promise<void>;
}

export const CLIENT = { clientId: 'yggdrasil', clientSecret: 'a-secret-of-the-client' };

/** Starts it with one client, which may be sent back to these places alone. */
export async function startOidcIssuer(redirectUris: (issuerUrl: string) => string[]): Promise<OidcIssuer> {
  const people = new Map<string, Person>();
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: redirectUris(url),
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
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
  const handle = provider.callback();
  return {
    url,
    people,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A browser as far as redirects, cookies and forms go; cookies are kept by host, whatever their path. */
export class FormBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** One request, with what it sets kept; no redirect is followed. */
  async ask(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    const response = await fetch(url, {
      redirect: 'manual',
      method: form === undefined ? 'GET' : 'POST',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
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
