import type { Clock } from '../../kernel/clock.ts';
import { Departures } from './departures.ts';
import { publishedWill } from './rules.ts';
import type { Session } from './session.ts';
import type { Packet, Resumed } from './types.ts';

/** What a tree does for the comings and goings of its clients. */
export interface VisitedTree {
  hasRoomForSession(): boolean;
  sessions(): Session[];
  findSession(clientId: string): Session | undefined;
  takeSession(clientId: string): Session;
  /** Notes that the session has changed. */
  changed(session: Session): void;
  /** Notes that its will has changed. One that has nothing any more is none. */
  willChanged(session: Session): void;
  /** Ends the session: subscriptions, queue and handshakes. */
  cleanSession(clientId: string): Promise<void>;
  /** The same where the session's time is over. */
  expireSession(session: Session): Promise<void>;
  /** Keeps a publication, with all that was noted, and tells subscribers. */
  publish(packet: Packet): Promise<void>;
  /** A will was published. */
  saidWill(will: Packet): void;
  save(): Promise<void>;
}

/** Sessions of MQTT 5: they end a while after their clients left, and so come wills (sections 3.1.2.11.2 and 3.1.3.2.2). */
export class Visits {
  readonly #tree: VisitedTree;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #departures: Departures;

  constructor(tree: VisitedTree, clock: Pick<Clock, 'nowMs' | 'after'>) {
    this.#tree = tree;
    this.#clock = clock;
    this.#departures = new Departures(clock, {
      // What could not be written is written with the next change.
      willDue: (session) => void this.#publishWill(session).catch(() => undefined),
      ended: (session) => void tree.expireSession(session).catch(() => undefined),
    });
  }

  /** After a start: no client is here, and nobody else publishes their wills. */
  async begin(): Promise<void> {
    for (const session of this.#tree.sessions()) {
      if (session.expirySeconds === null) await this.#publishWill(session);
      else {
        session.leftAtMs ??= this.#clock.nowMs();
        this.#tree.changed(session);
        this.#departures.add(session);
      }
    }
    await this.#tree.save();
  }

  /** A client of MQTT 5 is here; with a clean start its session from before ends, and so comes its will (section 3.1.2.4). */
  async resume(clientId: string, asked: { cleanStart: boolean; expirySeconds: number }): Promise<Resumed> {
    this.#departures.cancel(clientId);
    const known = this.#tree.findSession(clientId);
    if (known !== undefined) {
      known.leftAtMs = null;
      if (asked.cleanStart) await this.#publishWill(known);
      else this.#dropWill(known);
      if (asked.cleanStart) await this.#tree.cleanSession(clientId);
    }
    const found = this.#tree.findSession(clientId);
    const isPresent = found?.isKept === true;
    const expirySeconds = isPresent || this.#tree.hasRoomForSession() ? asked.expirySeconds : 0;
    if (isPresent || expirySeconds > 0) {
      const session = this.#tree.takeSession(clientId);
      session.expirySeconds = expirySeconds;
      this.#tree.changed(session);
      await this.#tree.save();
    }
    return { isPresent, expirySeconds, subscriptions: [...(found?.subscriptions.values() ?? [])] };
  }

  /** A client of MQTT 3.1.1 is here: its session lasts as long as it has anything. */
  resumePlain(clientId: string): void {
    this.#departures.cancel(clientId);
    const session = this.#tree.findSession(clientId);
    if (session === undefined || session.expirySeconds === null) return;
    Object.assign(session, { expirySeconds: null, leftAtMs: null });
    this.#tree.changed(session);
  }

  /** A client of MQTT 5 left: its session ends after as many seconds. Its will is due, or was taken back by DISCONNECT. */
  async leave(clientId: string, expirySeconds: number, hasWill: boolean): Promise<void> {
    const session = this.#tree.findSession(clientId);
    if (session === undefined) return;
    if (!hasWill) this.#dropWill(session);
    session.leftAtMs = this.#clock.nowMs();
    if (session.expirySeconds === null) await this.#publishWill(session);
    else {
      session.expirySeconds = expirySeconds;
      this.#tree.changed(session);
      this.#departures.add(session);
    }
    await this.#tree.save();
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#departures.stop();
  }

  #dropWill(session: Session): void {
    if (session.will === undefined) return;
    session.will = undefined;
    this.#tree.willChanged(session);
  }

  /** Takes the will, and publishes it: both or nothing. */
  async #publishWill(session: Session): Promise<void> {
    const { will } = session;
    if (will === undefined) return;
    this.#dropWill(session);
    await this.#tree.publish(publishedWill(will));
    this.#tree.saidWill(publishedWill(will));
  }
}
