import { kill } from 'node:process';

/** True where a process has this number, whoever's it is. */
export const isAlive = (processId: number): boolean => {
  try {
    kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
