export { createLogMemory, type LogMemory } from './log-memory.ts';
export { createLogger, LOG_LEVELS, type LoggerOptions, type LogLevel } from './logger.ts';
export { createLineFormat } from './pretty.ts';
