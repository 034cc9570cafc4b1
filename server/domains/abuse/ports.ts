import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { AbuseAlert, AbuseKind, AbuseMeasure, MeasureKind, Subject } from './types.ts';

/** Where measures are kept, so that a restart undoes none. */
export interface MeasureStore {
  /** Those that still hold at this time, in the order in which they began; at most so many. */
  list(nowMs: number, limit: number): Promise<readonly AbuseMeasure[]>;
  /** Takes the place of the subject's earlier one. */
  put(measure: AbuseMeasure): Promise<void>;
  remove(id: string): Promise<void>;
  removeEnded(nowMs: number): Promise<void>;
}

/** What somebody has open. */
export interface LiveSubjects {
  /** Ends at once what a principal has open; of an address there is nothing that was let in for it. */
  end(subject: Subject, measure: AbuseMeasure): void;
}

/** Calls of who is throttled, by subject. */
export interface ThrottleWindow {
  take(key: string): { readonly isTaken: boolean; readonly limit: number; readonly resetSeconds: number };
}

/** Tells the operator. */
export interface AlertOutlets {
  /** One record of the audit. */
  record(alert: AbuseAlert): void;
  /** One mail to every operator; null: there is no mail server. */
  readonly mail: ((subject: string, text: string) => void) | null;
  counted(kind: AbuseKind): void;
  measured(kind: AbuseKind, measure: MeasureKind | null): void;
}

/** What the service needs. */
export interface AbuseDependencies {
  readonly store: MeasureStore;
  readonly live: LiveSubjects;
  readonly throttle: ThrottleWindow;
  readonly outlets: AlertOutlets;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
