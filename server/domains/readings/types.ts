import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** What can be read: a number, a state; null: the device doesn't know. */
export type ReadingValue = number | boolean | string | null;

/** Where something was said: in which network, which is whose, and by which device. */
export interface ReadingSource {
  readonly networkId: NetworkId;
  /** Who owns the network, and so its readings. */
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** A reading as a device said it. */
export interface SaidReading {
  readonly name: string;
  readonly value: ReadingValue;
  readonly unit: string;
  /** By the device's clock; 0 where it has none. */
  readonly measuredAtMs: number;
}

/** A reading on its way to be kept. */
export interface KeptReading extends ReadingSource {
  readonly name: string;
  readonly value: ReadingValue;
  readonly unit: string;
  readonly atMs: number;
}

/** A value at a time. */
export interface ReadingPoint {
  readonly name: string;
  readonly unit: string;
  readonly atMs: number;
  readonly value: ReadingValue;
}

/** How the values of a step become one. All but `last` are of numbers alone. */
export const AGGREGATES = ['min', 'max', 'mean', 'last'] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** Which part of a reading's history is asked for: of the last day, where nothing else is said. */
export type AskedRange = Omit<HistoryRange, 'fromMs' | 'toMs'> & {
  readonly fromMs: number | null;
  readonly toMs: number | null;
};

/** Which part of a reading's history. */
export interface HistoryRange {
  readonly name: string;
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  /** Seconds of which the values become one; null: every value. */
  readonly step: { readonly seconds: number; readonly aggregate: Aggregate } | null;
  readonly limit: number;
}
