/** The types that `--type` knows: those of bifrost.proto that a person may want to send. */
export const TYPE_NAMES = ['event', 'command', 'command-result', 'capabilities', 'ping'] as const;
