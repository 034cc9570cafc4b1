import OpenAI from 'openai';
import { FrameType } from '../../../proto/index.ts';
import type { CrashHousehold } from '../crash/household.ts';
import { clientOf, provide, readingOf } from '../crash/load.ts';
import type { ServerProcess } from '../server-process.ts';

/** What somebody does who does nothing unusual, one thing of each kind at a time. */
export const KINDS = ['read', 'store', 'complete'] as const;
export type Kind = (typeof KINDS)[number];

/** How one kind of work went. */
export interface Served {
  readonly latenciesMs: number[];
  /** What the server said where it did not do what was asked. */
  readonly refusals: string[];
}

export interface Victim {
  /** Works for so long; what was begun by then is waited for. */
  work(seconds: number): Promise<Record<Kind, Served>>;
  close(): void;
}

/** Pause between two pieces of work, in milliseconds: the victim is no load itself. */
const PAUSE_MS = 10;

/** Connects the victim's devices and its provider. */
export async function createVictim(server: ServerProcess, household: CrashHousehold): Promise<Victim> {
  const sensor = clientOf(server, household.sensor);
  const machine = await provide(server, household.machine);
  await sensor.connect();
  const openAi = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: household.token, maxRetries: 0 });
  const messages = [{ role: 'user', content: 'What?' }] as const;
  const todo: Record<Kind, () => Promise<unknown>> = {
    async read() {
      const headers = { authorization: `Bearer ${household.token}` };
      const response = await fetch(`${server.httpUrl}/api/v1/devices/${household.sensor.deviceId}`, {
        headers,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${text}`);
    },
    store: () => sensor.send({ type: FrameType.EVENT, payload: readingOf('sensor', 1) }),
    complete: () =>
      openAi.chat.completions.create({ model: 'oracle', max_tokens: 50, messages: [...messages] }),
  };
  const repeat = async (kind: Kind, untilMs: number): Promise<Served> => {
    const served: Served = { latenciesMs: [], refusals: [] };
    while (performance.now() < untilMs) {
      const begunMs = performance.now();
      try {
        await todo[kind]();
        served.latenciesMs.push(performance.now() - begunMs);
      } catch (error) {
        served.refusals.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return served;
  };
  return {
    async work(seconds) {
      const untilMs = performance.now() + seconds * 1000;
      const [read, store, complete] = await Promise.all(KINDS.map((kind) => repeat(kind, untilMs)));
      return { read, store, complete } as Record<Kind, Served>;
    },
    close: () => {
      machine.close();
      sensor.close();
    },
  };
}
