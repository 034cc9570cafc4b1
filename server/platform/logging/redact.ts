/** Field names whose text is a secret, however they are written: `accessToken`, `signing_key`, `Set-Cookie`. */
const SECRET_NAME =
  /(token|password|passphrase|secret|authorization|cookie|apikey|signingkey|masterkey|privatekey|setupcode|credential)s?(hash)?$/;

/** Secrets inside other text: our tokens, bearer credentials, a URL's password. */
const SECRET_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\b(yg[a-z]_)[A-Za-z0-9_-]+/g, '$1***'],
  [/\b(bearer[ .])[A-Za-z0-9._~+/=-]+/gi, '$1***'],
  [/(:\/\/[^\s:/@]*:)[^\s@]+@/g, '$1***@'],
];

const HIDDEN = '***';
const DEPTH_MAX = 6;
const ITEMS_MAX = 100;

/** Text without the secrets that can be told by their form. */
export function redactText(text: string): string {
  return SECRET_TEXT.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

const isSecretName = (name: string): boolean => SECRET_NAME.test(name.toLowerCase().replace(/[^a-z]/g, ''));

/** Numbers and flags tell no secret: `completionTokens: 12` stays. */
const canHoldSecret = (value: unknown): boolean =>
  typeof value === 'string' || (typeof value === 'object' && value !== null);

function presentError(error: Error, depth: number): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: redactText(error.message),
    ...(code === undefined ? {} : { code: present(code, depth) }),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: present(error.cause, depth) }),
  };
}

function presentObject(value: object, depth: number): unknown {
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (depth >= DEPTH_MAX) return '<deeper>';
  if (value instanceof Error) return presentError(value, depth + 1);
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => present(item, depth + 1));
  return redactFields(value as Record<string, unknown>, depth + 1);
}

function present(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'object' && value !== null) return presentObject(value, depth);
  return value;
}

/**
 * The fields of a log line as they may be written: secrets by name and by form hidden, errors with their causes but
 * without the properties that libraries hang on them, bytes as their number, depth and length bounded.
 */
export function redactFields(fields: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isSecretName(name) && canHoldSecret(value) ? HIDDEN : present(value, depth),
    ]),
  );
}
