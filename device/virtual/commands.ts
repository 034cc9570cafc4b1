import type { DeviceCommand, DeviceCommandResult, PlainValue } from '../client/index.ts';

/** What commands read and change. */
export interface Board {
  readonly ledOn: boolean;
  readonly temperatureCelsius: number;
}

/** The answer to a command and the board after it. */
export interface CommandOutcome {
  readonly result: DeviceCommandResult;
  readonly ledOn: boolean;
}

type CommandFunction = (args: DeviceCommand['arguments'], board: Board) => CommandOutcome;

const COMMANDS: ReadonlyMap<string, CommandFunction> = new Map<string, CommandFunction>([
  [
    'led.set',
    (args, board) => {
      const { on } = args;
      if (typeof on !== 'boolean' || Object.keys(args).length !== 1) {
        return refused(board, 'command_argument_wrong', 'led.set takes one argument: on, true or false.');
      }
      return done(on, { on });
    },
  ],
  [
    'led.get',
    (args, board) =>
      Object.keys(args).length === 0
        ? done(board.ledOn, { on: board.ledOn })
        : refused(board, 'command_argument_wrong', 'led.get takes no arguments.'),
  ],
  [
    'sensor.read',
    (args, board) =>
      Object.keys(args).length === 0
        ? done(board.ledOn, { temperature: board.temperatureCelsius, unit: 'celsius', simulated: true })
        : refused(board, 'command_argument_wrong', 'sensor.read takes no arguments.'),
  ],
]);

/** Names of the commands, for the capabilities. */
export const COMMAND_NAMES: readonly string[] = [...COMMANDS.keys()];

/** Carries a command out. Refuses with `command_unknown` or `command_argument_wrong`, then nothing changed. */
export function carryOut(command: DeviceCommand, board: Board): CommandOutcome {
  const work = COMMANDS.get(command.name);
  if (work === undefined) {
    return refused(board, 'command_unknown', `This device knows ${COMMAND_NAMES.join(', ')}.`);
  }
  return work(command.arguments, board);
}

function done(ledOn: boolean, values: Record<string, PlainValue>): CommandOutcome {
  return { result: { error: null, values }, ledOn };
}

/** The outcome of a command that wasn't carried out. */
export function refused(
  board: Board,
  code: 'command_unknown' | 'command_argument_wrong' | 'frame_payload_malformed',
  message: string,
): CommandOutcome {
  return { result: { error: { code, message }, values: {} }, ledOn: board.ledOn };
}
