import {
  decodeReleaseManifest,
  type ErrorCodeName,
  encodePayload,
  errorCodeNumber,
  RELEASE_MANIFEST_BYTES,
  RELEASE_SIGNATURE_BYTES,
  type ReleaseManifest,
  UpdateReport,
  UpdateRequest,
  UpdateState,
} from '../../../proto/index.ts';
import type { Clock } from '../../client/index.ts';
import { isSignedBy } from '../../scripts/package.ts';
import { FlashError, type UpdateFlash } from './flash.ts';
import { Slots, type StartedImage } from './slots.ts';
import { Phase } from './table.ts';

/** The kind of machine that scripts are for: any that runs WebAssembly. */
const SCRIPT_TARGET = 'wasm32';
/** The device asks again when no answer came for so long, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;
/** A new image that hasn't reached the server for so long is given up, in milliseconds. */
const CONFIRM_TIMEOUT_MS = 300_000;
/** A download is reported this often on its way. */
const REPORTS_OF_DOWNLOAD = 8;

/** What updates need of their device. */
export interface UpdateDevice {
  /** Sends a report, which is kept until the server has it; gives the id of its frame. */
  report(payload: Uint8Array): string;
  /** Asks for a piece; gives the id of the frame. It may be lost. */
  ask(payload: Uint8Array): string;
  /** Whether an image runs: there is no machine that would find out. */
  starts(manifest: ReleaseManifest, content: Uint8Array): boolean;
  /** Starts anew: then `boot` is called. */
  restart(): void;
  /** Runs a script package in place of the version before; null: it does. A code says why not. */
  installScript(bytes: Uint8Array, allowOlder: boolean): ErrorCodeName | null;
  log(text: string): void;
}

/** The `UpdateOffer` of the wire. */
export interface OfferedUpdate {
  readonly rolloutId: Uint8Array;
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
  readonly allowOlder: boolean;
}

/** The `UpdatePart` of the wire. */
export interface ReceivedPart {
  readonly rolloutId: Uint8Array;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Updates of a device: offers, downloads, starts and what the server is told of them. */
export class DeviceUpdates {
  readonly #ownerKey: Uint8Array;
  readonly #target: string;
  readonly #slots: Slots;
  readonly #clock: Clock;
  readonly #device: UpdateDevice;
  #isConnected = false;
  #asked: string | null = null;
  #cancelAsking: () => void = () => {};
  #cancelTrial: () => void = () => {};
  /** The report of how an update ended; the server may not have it yet. */
  #lastReport: string | null = null;
  #reportedEighths = 0;
  #started: StartedImage = { manifest: null, isTrial: false };

  constructor(
    options: { readonly ownerKey: Uint8Array; readonly target: string },
    dependencies: { readonly flash: UpdateFlash; readonly clock: Clock; readonly device: UpdateDevice },
  ) {
    this.#ownerKey = options.ownerKey;
    this.#target = options.target;
    this.#slots = new Slots(dependencies.flash);
    this.#clock = dependencies.clock;
    this.#device = dependencies.device;
  }

  /** Chooses what starts. An image that doesn't start restarts at once, as one that crashes. */
  boot(): StartedImage {
    this.halt();
    for (;;) {
      this.#started = this.#slots.boot(UpdateState.UPDATE_ROLLED_BACK);
      const { manifest, isTrial } = this.#started;
      if (!isTrial || manifest === null || this.#device.starts(manifest, this.#slots.content())) break;
    }
    if (this.#started.isTrial) {
      this.#cancelTrial = this.#clock.after(CONFIRM_TIMEOUT_MS, () => this.#giveUpTrial());
    }
    return this.#started;
  }

  /** Ends all timers, as a loss of power would. */
  halt(): void {
    this.disconnected();
    this.#cancelTrial();
  }

  /** What runs; null: what the device came with. */
  get running(): ReleaseManifest | null {
    return this.#started.manifest;
  }

  /** The server can be told something. */
  connected(): void {
    this.#isConnected = true;
    const { phase } = this.#slots.table;
    if (phase === Phase.OVER) this.#tellOutcome();
    else if (phase === Phase.DOWNLOADING) this.#goOn();
    else if (phase === Phase.VERIFIED) this.#guarded(() => this.#apply());
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#cancelAsking();
  }

  /** The server took a frame over: a new image has reached it. */
  settled(frameId: string): void {
    if (this.#started.isTrial && this.#slots.table.phase === Phase.TRYING) {
      this.#guarded(() => {
        this.#slots.confirm(UpdateState.UPDATE_UPDATED);
        this.#cancelTrial();
        this.#started = { ...this.#started, isTrial: false };
        this.#device.log('confirmed');
        this.#tellOutcome();
      });
    } else if (frameId === this.#lastReport && this.#slots.table.phase === Phase.OVER) {
      this.#lastReport = null;
      this.#guarded(() => this.#slots.acknowledge());
    }
  }

  /** The server offers a release. What it offers is refused with a code, or ignored while another update is under way. */
  offered(offer: OfferedUpdate): void {
    const { rolloutId, manifest, signature, allowOlder } = offer;
    const { table } = this.#slots;
    const isSame = Buffer.compare(rolloutId, table.rolloutId) === 0;
    if (table.phase === Phase.DOWNLOADING && isSame) {
      this.#goOn();
      return;
    }
    if (table.phase !== Phase.IDLE && table.phase !== Phase.DOWNLOADING) return;
    const described = decodeReleaseManifest(manifest);
    const refusal = this.#refusalOf(described, offer);
    if (described === null || refusal !== null) {
      this.#report(rolloutId, UpdateState.UPDATE_REFUSED, refusal ?? 'release_manifest_malformed');
      return;
    }
    const head = Buffer.concat([manifest, signature]);
    const confirmed = table.heads[table.active];
    if (confirmed !== null && Buffer.compare(confirmed.subarray(0, RELEASE_MANIFEST_BYTES), manifest) === 0) {
      this.#report(rolloutId, UpdateState.UPDATE_UPDATED, null);
      return;
    }
    this.#guarded(() => {
      this.#slots.begin({ rolloutId, head, allowOlder });
      this.#reportedEighths = 0;
      this.#device.log(`downloads ${described.name} ${described.version}`);
      this.#report(rolloutId, UpdateState.UPDATE_DOWNLOADING, null);
      this.#goOn();
    }, rolloutId);
  }

  /** A piece of the release. One that isn't the next is dropped. */
  received({ rolloutId, offset, data }: ReceivedPart): void {
    const { table, receivedBytes, missingInSector } = this.#slots;
    const isNext =
      table.phase === Phase.DOWNLOADING &&
      Buffer.compare(rolloutId, table.rolloutId) === 0 &&
      offset === receivedBytes &&
      data.length > 0 &&
      data.length <= missingInSector;
    if (!isNext) return;
    this.#guarded(() => {
      this.#slots.append(data);
      this.#reportProgress();
      this.#goOn();
    });
  }

  /** The server refuses a frame. What it doesn't give any more is given up. */
  refused(frameId: string, code: ErrorCodeName): void {
    if (frameId !== this.#asked || this.#slots.table.phase !== Phase.DOWNLOADING) return;
    if (code !== 'rollout_state_wrong' && code !== 'rollout_not_found' && code !== 'release_part_wrong')
      return;
    this.#guarded(() => this.#conclude(UpdateState.UPDATE_FAILED, code));
  }

  #refusalOf(
    described: ReleaseManifest | null,
    { manifest, signature, allowOlder }: OfferedUpdate,
  ): ErrorCodeName | null {
    if (manifest.length !== RELEASE_MANIFEST_BYTES || signature.length !== RELEASE_SIGNATURE_BYTES)
      return 'release_manifest_malformed';
    if (!isSignedBy(this.#ownerKey, manifest, signature)) return 'release_signature_wrong';
    if (described === null) return 'release_manifest_malformed';
    const isScript = described.kind === 'script';
    if (described.target !== (isScript ? SCRIPT_TARGET : this.#target)) return 'update_target_wrong';
    if (!this.#slots.hasRoom(described.contentBytes)) return 'update_no_room';
    if (isScript) return null;
    const { confirmed, table } = this.#slots;
    if (described.version < table.oldestVersion) return 'update_version_old';
    const isOlder = confirmed !== null && described.version < confirmed.version;
    return isOlder && !allowOlder ? 'update_version_old' : null;
  }

  /** Asks for the next piece, or finishes the download. */
  #goOn(): void {
    this.#cancelAsking();
    const { missingInSector, receivedBytes, table } = this.#slots;
    if (missingInSector === 0) {
      this.#guarded(() => this.#finish());
      return;
    }
    if (!this.#isConnected) return;
    const wanted = { rolloutId: table.rolloutId, offset: receivedBytes, length: missingInSector };
    this.#asked = this.#device.ask(encodePayload(UpdateRequest, wanted));
    this.#cancelAsking = this.#clock.after(ANSWER_TIMEOUT_MS, () => this.#goOn());
  }

  #finish(): void {
    const { rolloutId } = this.#slots.table;
    this.#report(rolloutId, UpdateState.UPDATE_DOWNLOADED, null);
    if (!this.#slots.verify()) {
      this.#conclude(UpdateState.UPDATE_FAILED, 'release_hash_wrong');
      return;
    }
    this.#report(rolloutId, UpdateState.UPDATE_VERIFIED, null);
    this.#apply();
  }

  #apply(): void {
    const { table, incoming } = this.#slots;
    this.#report(table.rolloutId, UpdateState.UPDATE_UPDATING, null);
    if (incoming?.kind === 'script') {
      const code = this.#device.installScript(this.#slots.content(), table.allowOlder);
      this.#conclude(code === null ? UpdateState.UPDATE_UPDATED : UpdateState.UPDATE_FAILED, code);
      return;
    }
    this.#slots.arm();
    this.#device.log('restarts');
    this.#device.restart();
  }

  #conclude(outcome: UpdateState, code: ErrorCodeName | null): void {
    this.#cancelAsking();
    this.#slots.conclude(outcome, code === null ? 0 : errorCodeNumber(code));
    this.#device.log(code === null ? 'done' : `failed: ${code}`);
    this.#tellOutcome();
  }

  #giveUpTrial(): void {
    this.#guarded(() => {
      this.#slots.conclude(UpdateState.UPDATE_ROLLED_BACK, 0);
      this.#device.log('the server was not reached in time: restarts with the one before');
      this.#device.restart();
    });
  }

  #reportProgress(): void {
    const { receivedBytes, incoming, table } = this.#slots;
    const eighths = Math.floor((receivedBytes * REPORTS_OF_DOWNLOAD) / (incoming?.contentBytes ?? 1));
    if (eighths <= this.#reportedEighths || eighths >= REPORTS_OF_DOWNLOAD) return;
    this.#reportedEighths = eighths;
    this.#report(table.rolloutId, UpdateState.UPDATE_DOWNLOADING, null);
  }

  #tellOutcome(): void {
    const { rolloutId, outcome, errorCode } = this.#slots.table;
    if (!this.#isConnected) return;
    const byteCount = this.#slots.receivedBytes;
    const message = { rolloutId, state: outcome as UpdateState, error: errorCode, byteCount };
    this.#lastReport = this.#device.report(encodePayload(UpdateReport, message));
  }

  #report(rolloutId: Uint8Array, state: UpdateState, code: ErrorCodeName | null): void {
    const error = code === null ? 0 : errorCodeNumber(code);
    const byteCount = this.#slots.receivedBytes;
    this.#device.report(encodePayload(UpdateReport, { rolloutId, state, error, byteCount }));
  }

  /** Where the flash refuses, nothing has changed: the device goes on with what it has, and the server hears why. */
  #guarded(work: () => void, rolloutId = this.#slots.table.rolloutId): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof FlashError)) throw error;
      this.#cancelAsking();
      this.#device.log(error.message);
      this.#report(rolloutId, UpdateState.UPDATE_FAILED, 'script_not_stored');
    }
  }
}
