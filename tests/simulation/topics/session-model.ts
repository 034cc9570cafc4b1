/** What is known of one client's session. Times in seconds. */
export interface ModelSession {
  /** By filter. */
  readonly subscriptions: Map<string, 1 | 2>;
  /** Numbers of messages with their QoS, in order. */
  queue: [message: number, qos: number][];
  expirySeconds: number;
  /** Null: its client is connected. */
  leftAt: number | null;
}

const NEVER_SECONDS = 0xffff_ffff;

/** Sessions of MQTT 5 as the standard has them, in the simplest form. Nothing is lost in a crash but that clients are connected. */
export class SessionModel {
  readonly sessions = new Map<string, ModelSession>();
  readonly retained = new Map<string, number>();
  now = 0;

  /** True: the session goes on. */
  connect(client: string, cleanStart: boolean, expirySeconds: number): boolean {
    if (cleanStart) this.sessions.delete(client);
    const known = this.sessions.get(client);
    if (known !== undefined) Object.assign(known, { expirySeconds, leftAt: null });
    else if (expirySeconds > 0)
      this.sessions.set(client, { subscriptions: new Map(), queue: [], expirySeconds, leftAt: null });
    return known !== undefined;
  }

  disconnect(client: string, expirySeconds: number): void {
    const session = this.sessions.get(client);
    if (session === undefined) return;
    Object.assign(session, { expirySeconds, leftAt: this.now });
    this.#expire();
  }

  subscribe(client: string, filter: string, qos: 1 | 2): void {
    this.sessions.get(client)?.subscriptions.set(filter, qos);
  }

  unsubscribe(client: string, filter: string): void {
    this.sessions.get(client)?.subscriptions.delete(filter);
  }

  publish(topic: string, message: number, qos: 0 | 1 | 2, retain: boolean): void {
    if (retain) this.retained.set(topic, message);
    for (const session of this.sessions.values()) {
      const granted = [...session.subscriptions].filter(([filter]) => matches(filter, topic));
      const highest = Math.max(0, ...granted.map(([, level]) => level));
      if (Math.min(highest, qos) > 0) session.queue.push([message, Math.min(highest, qos)]);
    }
  }

  /** The client has acknowledged the oldest of its messages. */
  acknowledge(client: string): void {
    this.sessions.get(client)?.queue.shift();
  }

  pass(seconds: number): void {
    this.now += seconds;
    this.#expire();
  }

  crash(): void {
    for (const session of this.sessions.values()) session.leftAt ??= this.now;
    this.#expire();
  }

  copy(): SessionModel {
    const copy = new SessionModel();
    copy.now = this.now;
    for (const [topic, message] of this.retained) copy.retained.set(topic, message);
    for (const [client, session] of this.sessions) {
      const { subscriptions, queue } = session;
      copy.sessions.set(client, { ...session, subscriptions: new Map(subscriptions), queue: [...queue] });
    }
    return copy;
  }

  #expire(): void {
    for (const [client, { leftAt, expirySeconds }] of this.sessions) {
      const isOver = leftAt !== null && expirySeconds !== NEVER_SECONDS && leftAt + expirySeconds <= this.now;
      if (isOver) this.sessions.delete(client);
    }
  }
}

/** MQTT 5 section 4.7, by regular expressions. */
function matches(filter: string, topic: string): boolean {
  const pattern = filter.replace(/^#$/, '.*').replace(/\/#$/, '(/.*)?').replaceAll('+', '[^/]*');
  return new RegExp(`^${pattern}$`).test(topic);
}
