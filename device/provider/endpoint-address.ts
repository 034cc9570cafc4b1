/** Where an endpoint is and how one gets in, taken from a URL that may hold a password and a query. */
export class EndpointAddress {
  readonly #url: URL;
  readonly #secrets: readonly string[];
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;

  /** A key goes before a password in the URL. Throws a TypeError for what is no URL. */
  constructor(baseUrl: string, apiKey: string | null) {
    const url = new URL(baseUrl);
    const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    const basic = user === '' && password === '' ? null : btoa(`${user}:${password}`);
    const authorization = apiKey === null ? basic && `Basic ${basic}` : `Bearer ${apiKey}`;
    this.headers = {
      'content-type': 'application/json',
      ...(authorization === null ? {} : { authorization }),
    };
    this.#secrets = [apiKey, password, url.password, basic, ...url.searchParams.values()].filter(
      (secret) => secret !== null && secret.length >= SECRET_CHARACTERS_MIN,
    ) as string[];
    // fetch takes no URL with a password.
    url.username = '';
    url.password = '';
    url.pathname = url.pathname.replace(/\/+$/, '');
    this.#url = url;
  }

  /** The URL of an operation: its path behind the base's, or with two slashes behind the base's without `/v1`; then the base's query. */
  of(path: string): string {
    const url = new URL(this.#url);
    url.pathname = path.startsWith('//')
      ? url.pathname.replace(/\/v1$/, '') + path.slice(1)
      : url.pathname + path;
    return url.href;
  }

  /** As people may read it: without password and query. */
  get shown(): string {
    return `${this.#url.origin}${this.#url.pathname}`;
  }

  /** A text of the endpoint's without what only its owner may know. */
  redact(text: string): string {
    return this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }
}

/** Shorter ones are no secrets, and would be found in every text. */
const SECRET_CHARACTERS_MIN = 4;
