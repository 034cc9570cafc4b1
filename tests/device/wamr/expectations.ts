import { readFileSync } from 'node:fs';
import type {
  Candidate,
  DeviceCore,
  PriceRequest,
  QualityObservation,
  QualitySample,
  QualityState,
  SigningKey,
} from '../../../assembly/host/index.ts';
import { loadDeviceCore } from '../../../assembly/host/index.ts';
import { layout, type Profile } from '../../../device/native/layout.ts';
import * as requests from '../../../device/native/requests.ts';
import { DeviceStatus, type RunnerRequest } from '../../../device/native/runner.ts';

/** A request to a runner, and what V8 makes of the same input with the same module. */
export interface Expectation {
  readonly name: string;
  readonly request: RunnerRequest;
  readonly status: number;
  readonly resultHex: string;
}

/** More than any of it needs on any port. */
export const AMPLE_POOL_BYTES = 32_768;
export const AMPLE_STACK_BYTES = 4096;

const STATUS_OF = {
  overflow: DeviceStatus.OVERFLOW,
  out_of_range: DeviceStatus.OUT_OF_RANGE,
  empty: DeviceStatus.EMPTY,
} as const;

/** device.wasm, or that of a gateway, as it was built. */
export function readDeviceModule(profile: Profile = 'device'): Uint8Array {
  return new Uint8Array(readFileSync(layout.module(profile)));
}

/** What the module says of itself: Operation.DESCRIBE of assembly/commands.ts. */
export function describeModule(module = readDeviceModule()): {
  keysAddress: number;
  keySlots: number;
  messageBytesMax: number;
  candidatesMax: number;
  memoryBytes: number;
} {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(module)));
  const describe = (what: number) => (exports.call as (...args: number[]) => number)(0, what, 0);
  return {
    messageBytesMax: describe(3),
    keysAddress: describe(4),
    keySlots: describe(5),
    candidatesMax: describe(7),
    memoryBytes: (exports.__heap_base as WebAssembly.Global).value,
  };
}

/** Opens the device's core in a runner. */
export function openDevice(module = readDeviceModule()): RunnerRequest {
  return requests.open(AMPLE_POOL_BYTES, AMPLE_STACK_BYTES, module);
}

/** What V8 answers, as bytes that a runner must answer too. */
export class Expecting {
  readonly core: DeviceCore;

  constructor(profile: Profile = 'device') {
    this.core = loadDeviceCore(readDeviceModule(profile));
  }

  importKey(name: string, slot: number, secret: Uint8Array): { key: SigningKey; expectation: Expectation } {
    const expectation = expected(name, requests.importKey(slot, secret), []);
    return { key: this.core.importKey(secret), expectation };
  }

  sign(name: string, key: SigningKey, slot: number, message: Uint8Array): Expectation {
    return expected(name, requests.sign(slot, message), this.core.sign(key, message));
  }

  verify(name: string, key: SigningKey, slot: number, message: Uint8Array, tag: Uint8Array): Expectation {
    const isRight = this.core.verify(key, message, tag);
    const request = requests.verify(slot, message, tag);
    return isRight ? expected(name, request, []) : refused(name, request, DeviceStatus.TAG_MISMATCH);
  }

  sha256(name: string, data: Uint8Array): Expectation {
    return expected(name, requests.sha256(data), this.core.sha256(data));
  }

  hashParts(name: string, parts: readonly Uint8Array[]): Expectation {
    const hash = this.core.createHash();
    for (const part of parts) hash.update(part);
    return expected(name, requests.hashParts(parts), hash.digest());
  }

  price(name: string, priced: PriceRequest): Expectation {
    const request = requests.price(priced);
    const result = this.core.price(priced);
    if (!result.ok) return refused(name, request, STATUS_OF[result.reason]);
    return expected(name, request, BigUint64Array.of(result.costMicrocents));
  }

  split(name: string, costMicrocents: bigint, basisPoints: number): Expectation {
    const request = requests.split(costMicrocents, basisPoints);
    const result = this.core.split(costMicrocents, basisPoints);
    if (!result.ok) return refused(name, request, STATUS_OF[result.reason]);
    return expected(name, request, BigUint64Array.of(result.feeMicrocents, result.earningsMicrocents));
  }

  weigh(name: string, samples: readonly QualitySample[], halfLifeMs: number): Expectation {
    const request = requests.weigh(samples, halfLifeMs);
    const result = this.core.weigh(samples, halfLifeMs);
    if (!result.ok) return refused(name, request, STATUS_OF[result.reason]);
    return expected(name, request, assessmentBytes({ ...result.assessment, lastTimeMs: 0 }));
  }

  updateQuality(
    name: string,
    state: QualityState | null,
    observation: QualityObservation,
    halfLifeMs: number,
  ): { state: QualityState | null; expectation: Expectation } {
    const request = requests.updateQuality(state, observation, halfLifeMs);
    const result = this.core.updateQuality(state, observation, halfLifeMs);
    if (!result.ok) return { state, expectation: refused(name, request, STATUS_OF[result.reason]) };
    const expectation = expected(name, request, assessmentBytes(result.assessment));
    return { state: result.assessment, expectation };
  }

  score(name: string, candidates: readonly Candidate[]): Expectation {
    const request = requests.score(candidates);
    const result = this.core.score(candidates);
    if (!result.ok) return refused(name, request, STATUS_OF[result.reason]);
    return expected(name, request, result.scores);
  }
}

function assessmentBytes(state: QualityState): Float64Array {
  const { quality, latency, availability, combined, weight, lastTimeMs } = state;
  return Float64Array.of(quality, latency, availability, weight, combined, lastTimeMs);
}

function expected(name: string, request: RunnerRequest, result: ArrayBufferView | readonly []): Expectation {
  return { name, request, status: DeviceStatus.OK, resultHex: 'buffer' in result ? toHex(result) : '' };
}

function refused(name: string, request: RunnerRequest, status: number): Expectation {
  return { name, request, status, resultHex: '' };
}

/** The bytes of any array in hexadecimal. */
export function toHex(array: ArrayBufferView): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');
}
