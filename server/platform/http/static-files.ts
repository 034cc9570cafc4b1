import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { createNamesReader } from '../../kernel/accepted-names.ts';
import type { HttpRequestHead, HttpResponse } from './types.ts';

/** Files that were read at the start, by the path under which a page asks for them: nothing else can be asked for. */
export interface StaticFiles {
  /**
   * The answer to who asks for this path, `assets/index-D3adB33f.js`: compressed where the client takes that, and 304 where it has
   * the file already. Null: there is none.
   */
  answer(path: string, request: Pick<HttpRequestHead, 'header'>): HttpResponse | null;
}

/** What a folder may hold. What has another ending is left out: a file that is compressed, beside its original. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Codings that a build lays beside a file, the smallest first. */
const CODINGS = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const;

/** A name with a hash of what is in the file: the name of another content is another one. */
const HASHED = /-[\w-]{8}\.\w+$/;

interface Representation {
  readonly coding: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly whole: HttpResponse;
}

/**
 * Reads a folder with all that is in it. Files with a hash in their name are kept by browsers for good; of the others they ask
 * each time whether there is a new one. `headers` go with every answer. Throws where the folder can't be read.
 */
export function readStaticFiles(folder: string, headers: Readonly<Record<string, string>>): StaticFiles {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const files = new Map<string, readonly Representation[]>();
  for (const name of names) {
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    const common = {
      ...headers,
      'content-type': mediaType,
      'cache-control': HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
    };
    const codings = CODINGS.filter(({ ending }) => names.includes(name + ending));
    files.set(relative(folder, name).split(sep).join('/'), [
      ...codings.map((coding) => represent(readFileSync(name + coding.ending), coding.name, common)),
      represent(readFileSync(name), null, common),
    ]);
  }
  const acceptedNames = createNamesReader();
  return {
    answer(path, request) {
      const representations = files.get(path);
      if (representations === undefined) return null;
      const accepted = acceptedNames(request.header('accept-encoding'));
      const chosen = representations.find(({ coding }) => coding === null || accepted.has(coding));
      if (chosen === undefined) return null;
      const asked = request.header('if-none-match');
      if (asked === undefined) return chosen.whole;
      // A proxy that compresses makes tags weak, and they are compared as such (RFC 9110 section 13.1.2).
      const known = asked.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
      return known.includes('*') || known.includes(chosen.headers.etag ?? '')
        ? { status: 304, headers: chosen.headers }
        : chosen.whole;
    },
  };
}

function represent(
  bytes: Uint8Array,
  coding: string | null,
  common: Readonly<Record<string, string>>,
): Representation {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const headers = { ...common, etag, ...(coding === null ? {} : { 'content-encoding': coding }) };
  return { coding, headers, whole: { status: 200, headers, body: bytes } };
}
