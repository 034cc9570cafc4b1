import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { turn } from './clock.ts';

/** How many of the objects are in memory still when everything that nobody holds has been collected. */
export async function keptOf(objects: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // An object that was just looked at stays until the turn of the event loop is over.
  await turn(2);
  collect();
  return objects.filter((object) => object.deref() !== undefined).length;
}
