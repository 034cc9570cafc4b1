import { type RunnerCommand, requireAnswers } from '../../../device/native/runner.ts';
import { type Expectation, openDevice, readDeviceModule, toHex } from './expectations.ts';

/** An answer of WAMR that isn't V8's. */
export interface Difference {
  readonly name: string;
  readonly v8: string;
  readonly wamr: string;
}

/** Runs what is expected in a fresh core and returns the answers that differ. Throws when the core doesn't open. */
export function findDifferences(
  command: RunnerCommand,
  expectations: readonly Expectation[],
  module = readDeviceModule(),
): Difference[] {
  const requests = [openDevice(module), ...expectations.map(({ request }) => request)];
  const [opened, ...answers] = requireAnswers(command, requests);
  if (opened?.status !== 0) throw new Error(`The core doesn't open: status ${opened?.status}.`);
  return expectations.flatMap(({ name, status, resultHex }, index) => {
    const answer = answers[index];
    const v8 = `${status} ${resultHex}`;
    const wamr = answer === undefined ? 'no answer' : `${answer.status} ${toHex(answer.result)}`;
    return v8 === wamr ? [] : [{ name, v8, wamr }];
  });
}
