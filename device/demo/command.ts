import { Command, Option } from 'commander';

/** `yggdrasil demo`. */
export function createDemoCommand(): Command {
  return new Command('demo')
    .description(
      'Starts the platform and runs both journeys: device to browser, and computing time sold and bought.',
    )
    .option('--once', 'stop everything afterwards and print the figures as JSON')
    .option(
      '--model',
      'sell a small language model, SmolLM2, which is installed first (Python 3 and a C++ compiler)',
    )
    .addOption(
      new Option('--guard', 'be the process that ends the others when the demo is killed').hideHelp(),
    )
    .action(
      async ({
        once = false,
        model = false,
        guard = false,
      }: Partial<Record<'once' | 'model' | 'guard', boolean>>) => {
        if (guard) await (await import('./guard.ts')).runGuard();
        else await (await import('./main.ts')).runDemo({ once, model });
      },
    );
}
