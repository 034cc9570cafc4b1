import { readFileSync } from 'node:fs';
import { ReplayWindow } from '../../proto/index.ts';
import { writeWhole } from '../../server/platform/files/durable.ts';
import type { BegunCommand, DeviceMemory, DeviceMemoryContent } from './ports.ts';

/** A device's memory as a file that only its owner can read, replaced in one step, also when the power goes. Content that can't be read is refused. */
export function createMemoryFile(path: string): DeviceMemory {
  return {
    load: () => {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw new Error(`${path} can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
      }
      const content = parse(text);
      if (content === null)
        throw new Error(`${path} is damaged; without it old commands could be carried out again`);
      return content;
    },
    save: (content) => {
      try {
        writeWhole(path, JSON.stringify(content), { mode: 0o600 });
      } catch (error) {
        throw new Error(`${path} can't be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
      }
    },
  };
}

/** Null for what this program didn't write. */
function parse(text: string): DeviceMemoryContent | null {
  try {
    const content = JSON.parse(text) as Partial<DeviceMemoryContent>;
    // A file of version 0.4 is without three of them, one before 0.8 without actions, one before 0.15 without settings.
    const {
      nonce,
      commandNonces,
      answers,
      forgottenNonce = 0,
      begun = null,
      begunAction = null,
      settings = {},
    } = content;
    if (typeof nonce !== 'number' || typeof commandNonces !== 'object' || !Array.isArray(answers))
      return null;
    if (!Number.isSafeInteger(forgottenNonce) || !isBegun(begun) || !isBegun(begunAction)) return null;
    if (typeof settings !== 'object' || settings === null) return null;
    for (const window of Object.values(commandNonces)) new ReplayWindow(window);
    return { nonce, commandNonces, forgottenNonce, begun, begunAction, settings, answers };
  } catch {
    return null;
  }
}

function isBegun(value: unknown): value is BegunCommand | null {
  if (value === null) return true;
  const { commandId, sourceId } = Object(value) as Partial<BegunCommand>;
  return typeof commandId === 'string' && typeof sourceId === 'string';
}
