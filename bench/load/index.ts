import { setTimeout as wait } from 'node:timers/promises';
import { cpuSecondsOf, cpuSecondsOfTree } from '../processes/processes.ts';
import { type Lane, type LaneSpec, openLane } from './lanes.ts';
import { SendTimes } from './send-times.ts';
import { openSessions, type Session, type SessionsSpec, untilClosed } from './sessions.ts';

/** As much as the server takes. */
export interface Saturation {
  readonly seconds: number;
  /** Messages of a lane under way at a time. */
  readonly window: number;
  readonly serverProcessId: number;
  /** The database's first process, where its processor time is the server's as well. */
  readonly databaseProcessId?: number | undefined;
}

/** A rate, whatever the server does. */
export interface Pace {
  readonly seconds: number;
  /** Messages a second, of all lanes together. */
  readonly rate: number;
  readonly serverProcessId: number;
}

/** What came through. */
export interface Throughput {
  readonly messages: number;
  readonly seconds: number;
  /** How much of its core the load generator used. */
  readonly loadShare: number;
  /** Processor time of the server's process, and of the database where that was asked for. */
  readonly serverSeconds: number;
}

/** How long messages took, in milliseconds. */
export interface Latency extends Throughput {
  /** Messages that came twice, or from an earlier run: they are not timed. */
  readonly unknown: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const TICK_MS = 1;
/** What is under way at the end of a run gets so long to arrive; a TRANSIENT frame may be lost. */
const DRAIN_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
/** Lets what is under way arrive before the next run. */
const SETTLE_MS = 300;

/** The load generator: lanes of messages, as fast as they go or at a rate. */
export function createPart() {
  let lanes: readonly Lane[] = [];
  let sessions: readonly Session[] = [];
  return {
    connect: async (spec: SessionsSpec) => {
      sessions = await openSessions(spec);
    },
    /** Resolves when the server has closed all of them: how long after this call, in milliseconds, and how many are left. */
    untilClosed: (_: null) => untilClosed(sessions),
    disconnect: async (_: null) => {
      for (const session of sessions) session.close();
      sessions = [];
      await wait(SETTLE_MS);
    },
    open: async (specs: readonly LaneSpec[]) => {
      lanes = await Promise.all(specs.map(openLane));
    },
    close: async (_: null) => {
      for (const lane of lanes) lane.close();
      lanes = [];
      await wait(SETTLE_MS);
    },
    saturate: (options: Saturation) => saturate(lanes, options),
    pace: (options: Pace) => pace(lanes, options),
  };
}

export type Load = ReturnType<typeof createPart>;

async function saturate(
  lanes: readonly Lane[],
  { seconds, window, serverProcessId, databaseProcessId }: Saturation,
): Promise<Throughput> {
  let messages = 0;
  let ofAllUnderWay = 0;
  let isOver = false;
  for (const lane of lanes) {
    let underWay = 0;
    const refill = () => {
      const room = window - underWay;
      underWay += room;
      ofAllUnderWay += room;
      lane.send(room);
    };
    lane.onProgress = (count) => {
      messages += count;
      underWay -= count;
      ofAllUnderWay -= count;
      if (!isOver && underWay <= window / 2) refill();
    };
    refill();
  }
  const cpuSeconds = () =>
    cpuSecondsOf(serverProcessId) +
    (databaseProcessId === undefined ? 0 : cpuSecondsOfTree(databaseProcessId));
  const measured = await measure(seconds, cpuSeconds, () => messages);
  isOver = true;
  const deadlineMs = Date.now() + DRAIN_TIMEOUT_MS;
  while (ofAllUnderWay > 0 && Date.now() < deadlineMs) await wait(POLL_MS);
  return measured;
}

async function pace(lanes: readonly Lane[], { seconds, rate, serverProcessId }: Pace): Promise<Latency> {
  const times: number[] = [];
  let arrived = 0;
  await becomeQuiet(lanes);
  const sent = lanes.map((lane) => {
    const sendTimes = new SendTimes();
    lane.onReceived = (count) => {
      arrived += count;
      times.push(...sendTimes.received(count, performance.now()));
    };
    return sendTimes;
  });
  let due = 0;
  let turn = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    due += ((now - last) * rate) / 1000;
    last = now;
    const each = Math.ceil(due / lanes.length);
    while (due >= 1) {
      const count = Math.min(each, Math.floor(due));
      const index = turn++ % lanes.length;
      sent[index]?.sent(count, now);
      lanes[index]?.send(count);
      due -= count;
    }
  }, TICK_MS);
  const measured = await measure(
    seconds,
    () => cpuSecondsOf(serverProcessId),
    () => arrived,
  );
  clearInterval(timer);
  await wait(SETTLE_MS);
  times.sort((a, b) => a - b);
  const share = (part: number) => times[Math.floor(times.length * part)] ?? Number.POSITIVE_INFINITY;
  for (const lane of lanes) lane.onReceived = () => {};
  const unknown = sent.reduce((sum, each) => sum + each.unknown, 0);
  return { ...measured, unknown, p50Ms: share(0.5), p99Ms: share(0.99) };
}

/** Resolves when nothing arrives any more: after it connects, a device first gets what it had not acknowledged. */
async function becomeQuiet(lanes: readonly Lane[]): Promise<void> {
  let arrived = 0;
  for (const lane of lanes) {
    lane.onProgress = () => {};
    lane.onReceived = (count) => {
      arrived += count;
    };
  }
  const deadlineMs = Date.now() + DRAIN_TIMEOUT_MS;
  for (let before = -1; before !== arrived && Date.now() < deadlineMs; ) {
    before = arrived;
    await wait(SETTLE_MS);
  }
}

async function measure(seconds: number, cpuSeconds: () => number, count: () => number): Promise<Throughput> {
  const before = count();
  const cpu = process.cpuUsage();
  const serverSeconds = cpuSeconds();
  const begunMs = performance.now();
  await wait(seconds * 1000);
  const elapsed = (performance.now() - begunMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    messages: count() - before,
    seconds: elapsed,
    loadShare: (user + system) / 1e6 / elapsed,
    serverSeconds: cpuSeconds() - serverSeconds,
  };
}
