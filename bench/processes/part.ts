import { type ChildProcess, spawn } from 'node:child_process';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { cpuSecondsOf, type Place, placed, stopProcess, watch } from './processes.ts';

/** What a part of a benchmark does in its own process, by name. */
export type PartMethods = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

/** A question to a part. */
export interface PartCall {
  readonly method: string;
  readonly argument: unknown;
}

/** A part's answer. */
export type PartAnswer = { readonly value: unknown } | { readonly error: string };

/** A part that runs in a process of its own. One call at a time. */
export interface Part<Methods extends PartMethods> {
  readonly processId: number;
  cpuSeconds(): number;
  call<Name extends keyof Methods & string>(
    method: Name,
    argument: Parameters<Methods[Name]>[0],
  ): Promise<Awaited<ReturnType<Methods[Name]>>>;
  stop(): Promise<void>;
}

/** Starts the part of this name in its place. */
export function startPart<Methods extends PartMethods>(name: string, place: Place): Part<Methods> {
  const file = `${checkoutFolder()}build/bench-part.js`;
  const [program, args] = placed(place, [process.execPath, '--expose-gc', file, name]);
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  watch(child);
  const processId = child.pid ?? 0;
  return {
    processId,
    cpuSeconds: () => cpuSecondsOf(processId),
    call: async (method, argument) => (await ask(child, name, { method, argument })) as never,
    stop: () => stopProcess(child),
  };
}

function ask(child: ChildProcess, name: string, call: PartCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`the part ${name} ended in ${call.method}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      const answer = message as PartAnswer;
      if ('error' in answer) reject(new Error(`${name}.${call.method}: ${answer.error}`));
      else resolve(answer.value);
    });
    child.send(call, (error) => {
      if (error !== null) reject(new Error(`the part ${name} has ended: ${error.message}`));
    });
  });
}
