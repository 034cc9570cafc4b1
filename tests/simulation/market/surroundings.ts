import type { DeltaMessage, ProviderOrder } from '../../../server/domains/providers/index.ts';
import type { FakeClock } from '../../support/clock.ts';
import type { MarketProcess } from '../../support/market-process.ts';
import type { Chance } from './chance.ts';

/** The world as those see it who act in it. */
export interface Surroundings {
  readonly clock: FakeClock;
  readonly chance: Chance;
  /** True when nothing goes wrong any more. */
  readonly isCalm: boolean;
  /** Null while no server runs. */
  readonly server: MarketProcess | null;
  /** Notes what is wrong, once. */
  expect(holds: boolean, what: string): void;
  noteReceived(name: string, message: DeltaMessage): void;
  /** A provider is asked for an answer, or to go on with it. */
  noteAsked(name: string, order: ProviderOrder): void;
}
