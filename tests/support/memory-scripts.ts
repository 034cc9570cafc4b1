import type { KeptState, ScriptStore } from '../../device/virtual/scripts/store.ts';

/** A flash that lasts as long as the process: for fleets, which would wait for a disk. */
export function createMemoryScripts(): ScriptStore {
  const packages = new Map<string, Uint8Array>();
  const states = new Map<string, KeptState>();
  let incoming = new Uint8Array();
  return {
    packages: () => new Map([...packages].sort(([a], [b]) => (a < b ? -1 : 1))),
    incoming: () => incoming,
    saveIncoming: (bytes) => {
      incoming = bytes.slice();
    },
    install: (name, bytes) => {
      packages.set(name, bytes);
      incoming = new Uint8Array();
    },
    remove: (name) => {
      packages.delete(name);
      states.delete(name);
    },
    state: (name) => states.get(name) ?? { isStopped: false, numbers: {} },
    saveState: (name, state) => {
      states.set(name, state);
    },
  };
}
