import { DeviceUpdates } from '../../device/virtual/updates/device-updates.ts';
import {
  FlashError,
  type FlashRegion,
  SECTOR_BYTES,
  type UpdateFlash,
} from '../../device/virtual/updates/flash.ts';
import { Slots, type StartedImage } from '../../device/virtual/updates/slots.ts';
import {
  decodePayload,
  type ErrorCodeName,
  errorCodeName,
  UpdateReport,
  UpdateRequest,
  UpdateState,
  uuidToBytes,
} from '../../proto/index.ts';
import { FakeClock } from './clock.ts';
import { type MadeRelease, publisherKey } from './releases.ts';

/** Power was lost in a change of flash. */
export class PowerLoss extends Error {}

/** What a change leaves that power is lost in: nothing of it, half of it, or bytes that are anything. */
export const CUT_KINDS = ['before', 'half', 'garbage'] as const;
export type CutKind = (typeof CUT_KINDS)[number];

/** Flash in memory, that loses power in a given change, or refuses changes. Writing what isn't erased is an error of ours. */
export class MemoryFlash implements UpdateFlash {
  readonly slotBytes: number;
  readonly #regions: Record<FlashRegion, Uint8Array>;
  changes = 0;
  cut: { readonly at: number; readonly kind: CutKind } | null = null;
  isRefusing = false;

  constructor(slotBytes: number, from?: MemoryFlash) {
    this.slotBytes = slotBytes;
    const blank = (bytes: number) => new Uint8Array(bytes).fill(0xff);
    this.#regions =
      from === undefined
        ? {
            'slot-a': blank(slotBytes),
            'slot-b': blank(slotBytes),
            table: blank(2 * SECTOR_BYTES),
            marks: blank(SECTOR_BYTES),
          }
        : {
            'slot-a': from.#regions['slot-a'].slice(),
            'slot-b': from.#regions['slot-b'].slice(),
            table: from.#regions.table.slice(),
            marks: from.#regions.marks.slice(),
          };
  }

  copy(): MemoryFlash {
    return new MemoryFlash(this.slotBytes, this);
  }

  read(region: FlashRegion, offset: number, length: number): Uint8Array {
    return this.#regions[region].slice(offset, offset + length);
  }

  erase(region: FlashRegion, sector: number): void {
    this.#change(region, sector * SECTOR_BYTES, new Uint8Array(SECTOR_BYTES).fill(0xff));
  }

  write(region: FlashRegion, offset: number, data: Uint8Array): void {
    const before = this.read(region, offset, data.length);
    // Bits go from 1 to 0 only.
    if (data.some((byte, i) => ((before[i] ?? 0) & byte) !== byte)) {
      throw new Error(`${region} isn't erased at ${offset}`);
    }
    this.#change(region, offset, data);
  }

  #change(region: FlashRegion, offset: number, data: Uint8Array): void {
    if (this.isRefusing) throw new FlashError('the flash refuses');
    this.changes++;
    const isCut = this.cut?.at === this.changes;
    const kind = isCut ? this.cut?.kind : 'whole';
    if (kind === 'whole') this.#regions[region].set(data, offset);
    if (kind === 'half') this.#regions[region].set(data.subarray(0, data.length >> 1), offset);
    if (kind === 'garbage') {
      for (let i = 0; i < data.length; i++)
        this.#regions[region][offset + i] = (i * 167 + this.changes * 31) & 0xff;
    }
    if (isCut) throw new PowerLoss();
  }
}

/** A device with updates, and a server that gives what it asks for. All that a restart leaves is flash. */
export class UpdateRig {
  readonly flash: MemoryFlash;
  readonly clock = new FakeClock();
  readonly reports: { readonly state: UpdateState; readonly error: ErrorCodeName | null }[] = [];
  readonly asked: number[] = [];
  readonly installed: { readonly bytes: Uint8Array; readonly allowOlder: boolean }[] = [];
  starts: (content: Uint8Array) => boolean = () => true;
  /** The code that scripts are refused with. */
  scriptRefusal: ErrorCodeName | null = null;
  started: StartedImage = { manifest: null, isTrial: false };
  updates: DeviceUpdates;
  isConnected = true;
  #offered: { readonly release: MadeRelease; readonly allowOlder: boolean } | null = null;
  #queue: { readonly kind: 'report' | 'ask'; readonly id: string; readonly payload: Uint8Array }[] = [];
  #isRestarting = false;
  #ids = 0;

  constructor(flash: MemoryFlash) {
    this.flash = flash;
    this.updates = this.#make();
  }

  #make(): DeviceUpdates {
    const send = (kind: 'report' | 'ask') => (payload: Uint8Array) => {
      const id = `frame-${++this.#ids}`;
      this.#queue.push({ kind, id, payload });
      return id;
    };
    return new DeviceUpdates(
      { ownerKey: publisherKey, target: 'virtual' },
      {
        flash: this.flash,
        clock: this.clock,
        device: {
          starts: (_manifest, content) => this.starts(content),
          report: send('report'),
          ask: send('ask'),
          restart: () => {
            this.#isRestarting = true;
          },
          installScript: (bytes, allowOlder) => {
            if (this.scriptRefusal === null) this.installed.push({ bytes, allowOlder });
            return this.scriptRefusal;
          },
          log: () => {},
        },
      },
    );
  }

  /** Starts as after a loss of power. */
  start(): void {
    this.updates.halt();
    this.#queue = [];
    this.updates = this.#make();
    this.started = this.updates.boot();
    if (!this.isConnected) return;
    this.updates.connected();
    // The server took its capabilities over.
    this.updates.settled('capabilities');
    this.pump();
  }

  /** The version that runs; 0: what the device came with. */
  get version(): number {
    return this.started.manifest?.version ?? 0;
  }

  offer(release: MadeRelease, allowOlder = false): void {
    this.#offered = { release, allowOlder };
    const { manifest, signature } = release;
    this.updates.offered({ rolloutId: ROLLOUT, manifest, signature, allowOlder });
    this.pump();
  }

  /** Lets the server answer until nothing is asked any more. */
  pump(answersMax = Number.POSITIVE_INFINITY): void {
    for (let answers = 0; answers < answersMax; answers++) {
      if (this.#isRestarting) {
        this.#isRestarting = false;
        this.start();
        return;
      }
      const message = this.#queue.shift();
      if (message === undefined) return;
      if (message.kind === 'ask') this.#give(message.payload);
      else {
        const { state, error } = decodePayload(UpdateReport, message.payload);
        this.reports.push({ state, error: error === 0 ? null : errorCodeName(error) });
        this.updates.settled(message.id);
      }
    }
  }

  #give(payload: Uint8Array): void {
    const { offset, length } = decodePayload(UpdateRequest, payload);
    this.asked.push(offset);
    const data = this.#offered?.release.content.slice(offset, offset + length) ?? new Uint8Array(0);
    this.updates.received({ rolloutId: ROLLOUT, offset, data });
  }

  /** What the server goes on offering after a loss of power. */
  takeOver({ release, allowOlder }: { readonly release: MadeRelease; readonly allowOlder: boolean }): void {
    this.#offered = { release, allowOlder };
  }

  /** The image that starts is, byte for byte, one that was signed. */
  get isIntact(): boolean {
    const { manifest } = this.started;
    if (manifest === null) return true;
    const { table } = new Slots(this.flash.copy());
    const slot = this.started.isTrial === (table.active === 0) ? 'slot-b' : 'slot-a';
    const content = this.flash.read(slot, 0, manifest.contentBytes);
    return KNOWN.some((known) => Buffer.compare(known, content) === 0);
  }

  /** The version that starts without a trial, whatever is tried. */
  get confirmedVersion(): number {
    const { confirmed } = new Slots(this.flash.copy());
    return confirmed?.version ?? 0;
  }
}

const ROLLOUT = uuidToBytes('00000000-0000-4000-8000-0000000000aa');

/** Contents that may start. */
const KNOWN: Uint8Array[] = [];

/** Remembers a release as one that may start. */
export function known(release: MadeRelease): MadeRelease {
  KNOWN.push(release.content);
  return release;
}

/** The last report of how an update ended. */
export const outcomes = ({ reports }: UpdateRig): UpdateState[] =>
  reports.map(({ state }) => state).filter((state) => state >= UpdateState.UPDATE_UPDATED);
