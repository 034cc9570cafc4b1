import { z } from 'zod';

/** Whole cents that JSON carries exactly. */
export const centsSchema = z.int().describe('Whole euro cents.');

/** A point in time as REST shows it. */
export const toIsoTime = (ms: number): string => new Date(ms).toISOString();
