/**
 * An answer without what must differ between any two requests: ids (named by the order they turn up in), secrets and
 * times.
 */
export class Normalizer {
  readonly #names = new Map<string, string>();

  /** The text with names in place of ids, secrets and times. */
  text(text: string): string {
    return text
      .replaceAll(/"next":"([\w-]+)"/g, (_, cursor: string) => `"next":${partsOf(cursor)}`)
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => this.#name(id, 'id'))
      .replaceAll(/\b(ygu|ygd)_[\w-]{43}/g, '$1_token')
      .replaceAll(/"username":"([\w-]+)-[a-z]{6}"/g, '"username":"$1-letters"')
      .replaceAll(/"signingKey":"[\w-]{43}"/g, '"signingKey":"key"')
      .replaceAll(/\["\d{13}",/g, '["time",')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'time');
  }

  #name(id: string, kind: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name = `${kind}-${this.#names.size + 1}`;
    this.#names.set(id, name);
    return name;
  }
}

/** What is in a page cursor, so that it is compared, too. */
const partsOf = (cursor: string) => Buffer.from(cursor, 'base64url').toString();
