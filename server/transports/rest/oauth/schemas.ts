import { z } from 'zod';

/** What a program shows, as people type it. */
export const userCodeSchema = z.string().max(50).describe('The code that the program shows, in either case.');
