import { findProgram } from '../processes/processes.ts';
import { type ConfiguredServer, startConfigured } from './configured-server.ts';

/**
 * mosquitto with persistence and no limit of messages that wait for somebody. It writes its file every second; a message
 * is acknowledged before. Null where it isn't installed.
 */
export async function startMosquitto(): Promise<ConfiguredServer | null> {
  const program = findProgram('mosquitto', ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']);
  if (program === null) return null;
  return await startConfigured(program, 'mosquitto.conf', (port, directory) => [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${directory}/`,
    'autosave_interval 1',
    'max_queued_messages 0',
    'max_inflight_messages 1000',
    'set_tcp_nodelay true',
    'log_type error',
    '',
  ]);
}
