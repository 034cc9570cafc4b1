import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolder, writeWhole } from '../../../server/platform/files/durable.ts';
import { isScriptName } from '../../scripts/manifest.ts';
import { ScriptRefusal } from './refusal.ts';

/** What a device keeps of a script beside its package. */
export interface KeptState {
  /** By a command: it stays so. */
  readonly isStopped: boolean;
  readonly numbers: Readonly<Record<string, number>>;
}

/** A device's flash, as far as scripts go. Every change is whole and lasts, or didn't happen: then it throws ScriptRefusal. */
export interface ScriptStore {
  /** Packages by name, in the order of their names. */
  packages(): ReadonlyMap<string, Uint8Array>;
  /** The upload: head of a package and what came of its module. */
  incoming(): Uint8Array;
  saveIncoming(bytes: Uint8Array): void;
  /** Makes the upload, which is whole, the package of this name. */
  install(name: string, bytes: Uint8Array): void;
  remove(name: string): void;
  state(name: string): KeptState;
  saveState(name: string, state: KeptState): void;
}

const MODE = 0o600;
const INCOMING = 'incoming.part';
const PACKAGE = /^([a-z][a-z0-9_]*)\.ygs$/;
const STATE = /^([a-z][a-z0-9_]*)\.json$/;
const NO_STATE: KeptState = { isStopped: false, numbers: {} };

/** A store in a folder, which it makes. Removes what a loss of power left: states without a script, halves of files. */
export function createScriptFiles(folder: string): ScriptStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(folder, name);
  const read = (name: string): Uint8Array | null => {
    try {
      return readFileSync(path(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  const change = (work: () => void) => {
    try {
      work();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'error';
      throw new ScriptRefusal('script_not_stored', `The flash can't be written (${code}).`);
    }
  };
  const write = (name: string, content: string | Uint8Array) =>
    change(() => writeWhole(path(name), content, { mode: MODE }));
  const remove = (name: string) =>
    change(() => {
      rmSync(path(name), { force: true });
      syncFolder(folder);
    });
  const store: ScriptStore = {
    packages() {
      const names = readdirSync(folder).flatMap((file) => PACKAGE.exec(file)?.[1] ?? []);
      const whole = names.filter(isScriptName).sort();
      return new Map(whole.map((name) => [name, read(`${name}.ygs`) ?? new Uint8Array()]));
    },
    incoming: () => read(INCOMING) ?? new Uint8Array(),
    saveIncoming: (bytes) => write(INCOMING, bytes),
    install(name, bytes) {
      write(`${name}.ygs`, bytes);
      remove(INCOMING);
    },
    remove(name) {
      remove(`${name}.ygs`);
      remove(`${name}.json`);
    },
    state: (name) => parseState(read(`${name}.json`)),
    saveState: (name, state) => write(`${name}.json`, JSON.stringify(state)),
  };
  removeRemains(folder, new Set(store.packages().keys()), remove);
  return store;
}

function removeRemains(folder: string, scripts: ReadonlySet<string>, remove: (name: string) => void): void {
  for (const file of readdirSync(folder)) {
    const owner = STATE.exec(file)?.[1];
    const isKept = file === INCOMING || PACKAGE.test(file) || (owner !== undefined && scripts.has(owner));
    if (!isKept) remove(file);
  }
}

/** What can't be read counts as nothing kept: a script begins afresh. */
function parseState(bytes: Uint8Array | null): KeptState {
  if (bytes === null) return NO_STATE;
  try {
    const { isStopped, numbers } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<KeptState>;
    const kept = Object.entries(numbers ?? {}).filter(([, value]) => typeof value === 'number');
    return { isStopped: isStopped === true, numbers: Object.fromEntries(kept) };
  } catch {
    return NO_STATE;
  }
}
