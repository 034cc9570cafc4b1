import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of this project with a slash at its end: the nearest one above with a package.json, whether this file runs as
 * it is or inside a built program. Throws an Error where there is none.
 */
export function checkoutFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(`${folder}/package.json`)) {
    if (folder === dirname(folder)) throw new Error('no package.json above this program');
    folder = dirname(folder);
  }
  return `${folder}/`;
}
