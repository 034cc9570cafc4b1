import type { Clock } from '../../client/index.ts';
import { SCRIPTS_MAX } from '../../scripts/limits.ts';
import type { ScriptManifest } from '../../scripts/manifest.ts';
import { ScriptRefusal } from './refusal.ts';
import { RunningScript, type ScriptState } from './running-script.ts';
import type { ScriptBoard, ScriptEffect } from './script-host.ts';
import type { ScriptStore } from './store.ts';
import { type CheckedScript, checkPackage, Upload } from './upload.ts';

/** Calls in a row before others of the process get their turn. */
const TICKS_AT_ONCE_MAX = 32;

/** What scripts do to their device. */
export interface ScriptDevice {
  readonly board: ScriptBoard;
  setActuator(name: string, value: number): void;
  /** Sends a reading (`unit`), or a state. */
  publish(name: string, value: number | string, unit: string, isState: boolean): void;
  log(level: 'error' | 'warn', script: string, text: string): void;
}

/** The scripts of a device: they outlast its restarts, and are called by priority. */
export class ScriptRuntime {
  readonly #store: ScriptStore;
  readonly #ownerKey: Uint8Array | null;
  readonly #clock: Clock;
  readonly #device: ScriptDevice;
  readonly #upload: Upload;
  readonly #scripts = new Map<string, RunningScript>();
  #cancelWake: () => void = () => {};
  #isRunning = false;

  constructor(
    options: { readonly ownerKey: Uint8Array | null },
    dependencies: { readonly store: ScriptStore; readonly clock: Clock; readonly device: ScriptDevice },
  ) {
    this.#store = dependencies.store;
    this.#ownerKey = options.ownerKey;
    this.#clock = dependencies.clock;
    this.#device = dependencies.device;
    this.#upload = new Upload(dependencies.store, options.ownerKey);
    for (const [name, bytes] of this.#store.packages()) {
      try {
        const checked = checkPackage(bytes, options.ownerKey);
        if (checked.manifest.name === name) this.#scripts.set(name, this.#make(checked));
      } catch (error) {
        if (!(error instanceof ScriptRefusal)) throw error;
        this.#device.log('error', name, `isn't run: ${error.code}`);
      }
    }
  }

  /** By name. */
  get scripts(): ReadonlyMap<string, RunningScript> {
    return this.#scripts;
  }

  /** Starts every script that wasn't stopped by a command. */
  run(): void {
    this.#isRunning = true;
    for (const [name, script] of this.#scripts) {
      if (!this.#store.state(name).isStopped) this.#start(script);
    }
    this.#schedule();
  }

  /** Ends all scripts, as a loss of power would: none is called once more. */
  halt(): void {
    this.#isRunning = false;
    this.#cancelWake();
  }

  /** Begins an upload or goes on with it; returns how many bytes are there. Throws ScriptRefusal. */
  begin(manifest: Uint8Array, signature: Uint8Array): number {
    return this.#upload.begin(manifest, signature, (decoded) => this.#requireRoom(decoded));
  }

  /** Takes a part of the upload; returns how many bytes are there. Throws ScriptRefusal. */
  addChunk(offset: number, data: Uint8Array): number {
    return this.#upload.add(offset, data);
  }

  /** Puts the upload in place of the version before, and starts it. Throws ScriptRefusal; then nothing has changed. */
  commit(): ScriptManifest {
    const checked = this.#upload.whole();
    this.#requireRoom(checked.manifest);
    return this.#install(checked, checked.bytes);
  }

  /** The same for a whole package that came another way; one that is there already stays as it is. Throws ScriptRefusal. */
  installPackage(bytes: Uint8Array, allowOlder: boolean): ScriptManifest {
    const checked = checkPackage(bytes, this.#ownerKey);
    const { name, sha256, version } = checked.manifest;
    const before = this.#scripts.get(name)?.manifest;
    if (before?.version === version && Buffer.compare(before.sha256, sha256) === 0) return before;
    if (before === undefined || !allowOlder) this.#requireRoom(checked.manifest);
    return this.#install(checked, bytes);
  }

  #install(checked: CheckedScript, bytes: Uint8Array): ScriptManifest {
    const { name } = checked.manifest;
    this.#store.install(name, bytes);
    this.#scripts.get(name)?.stop();
    // Made only now: it begins with the numbers that the one before left.
    const script = this.#make(checked);
    this.#scripts.set(name, script);
    this.#keepStopped(name, false);
    this.#start(script);
    this.#schedule();
    return checked.manifest;
  }

  /** Stops a script or lets it run again; it stays so over restarts. Throws ScriptRefusal. */
  setStopped(name: string, isStopped: boolean): ScriptState {
    const script = this.#require(name);
    this.#keepStopped(name, isStopped);
    if (isStopped) script.stop();
    else if (script.state.kind !== 'running') this.#start(script);
    this.#report(script);
    this.#schedule();
    return script.state;
  }

  /** Removes a script and what it kept. Throws ScriptRefusal. */
  remove(name: string): void {
    const script = this.#require(name);
    script.stop();
    this.#store.remove(name);
    this.#scripts.delete(name);
    this.#schedule();
  }

  /** Gives a script a command; returns its answers. Throws ScriptRefusal. */
  call(name: string, args: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const script = this.#require(name);
    if (script.state.kind !== 'running') {
      throw new ScriptRefusal('script_not_running', `The script is ${script.state.kind}.`);
    }
    if (!script.mayBeCalled()) {
      throw new ScriptRefusal('script_rate_limited', 'The script was called too often in this second.');
    }
    const outcome = script.command(args);
    this.#schedule();
    if (!outcome.ok) {
      this.#report(script);
      throw new ScriptRefusal('script_stopped', `The call was stopped: ${outcome.reason}.`);
    }
    if (outcome.result === 0) return outcome.answers;
    throw new ScriptRefusal('script_refused', 'The script refuses the command.', { status: outcome.result });
  }

  #make({ manifest, module, admission }: CheckedScript): RunningScript {
    const { name } = manifest;
    const numbers = new Map(Object.entries(this.#store.state(name).numbers));
    return new RunningScript(
      { manifest, module, imports: admission.imports, numbers },
      {
        board: this.#device.board,
        nowMs: () => this.#clock.nowMs(),
        apply: (effects) => this.#apply(name, effects),
      },
    );
  }

  #requireRoom({ name, version }: ScriptManifest): void {
    const before = this.#scripts.get(name)?.manifest;
    if (before !== undefined && before.version >= version) {
      throw new ScriptRefusal('script_version_old', `The device has version ${before.version}.`);
    }
    if (before === undefined && this.#scripts.size >= SCRIPTS_MAX) {
      throw new ScriptRefusal('script_no_room', `The device keeps ${SCRIPTS_MAX} scripts already.`);
    }
  }

  #require(name: string): RunningScript {
    const script = this.#scripts.get(name);
    if (script === undefined) throw new ScriptRefusal('script_not_found', 'The device has no such script.');
    return script;
  }

  #start(script: RunningScript): void {
    script.start();
    if (script.state.kind === 'failed') this.#report(script);
  }

  #keepStopped(name: string, isStopped: boolean): void {
    const state = this.#store.state(name);
    if (state.isStopped !== isStopped) this.#store.saveState(name, { ...state, isStopped });
  }

  #report({ manifest, state }: RunningScript): void {
    this.#device.publish(`script.${manifest.name}.state`, state.kind, '', true);
    if (state.kind === 'failed') this.#device.log('error', manifest.name, `failed: ${state.fault}`);
  }

  #apply(name: string, effects: readonly ScriptEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'actuator') this.#device.setActuator(effect.name, effect.value);
      else if (effect.kind === 'publish') this.#device.publish(effect.name, effect.value, effect.unit, false);
      else if (effect.kind === 'log') this.#device.log(effect.level, name, effect.text);
    }
    const script = this.#scripts.get(name);
    if (script !== undefined && effects.some(({ kind }) => kind === 'store')) this.#keepNumbers(name, script);
  }

  #keepNumbers(name: string, script: RunningScript): void {
    try {
      const numbers = Object.fromEntries(script.numbers);
      this.#store.saveState(name, { ...this.#store.state(name), numbers });
    } catch (error) {
      if (!(error instanceof ScriptRefusal)) throw error;
      this.#device.log('error', name, 'its numbers could not be kept');
    }
  }

  /** Wakes up when the next timer of any script ends. */
  #schedule(): void {
    this.#cancelWake();
    const next = Math.min(...[...this.#scripts.values()].map(({ dueAtMs }) => dueAtMs));
    if (!this.#isRunning || next === Number.POSITIVE_INFINITY) return;
    this.#cancelWake = this.#clock.after(Math.max(0, next - this.#clock.nowMs()), () => this.#tick());
  }

  /** Calls who is due, the highest priority first, and of these who has waited longest. */
  #tick(): void {
    for (let i = 0; i < TICKS_AT_ONCE_MAX; i++) {
      const nowMs = this.#clock.nowMs();
      const due = [...this.#scripts.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs);
      const [first] = due.sort((a, b) => b.manifest.priority - a.manifest.priority || a.dueAtMs - b.dueAtMs);
      if (first === undefined) break;
      first.tick();
      if (first.state.kind === 'failed') this.#report(first);
    }
    this.#schedule();
  }
}
