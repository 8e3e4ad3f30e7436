/** What a process of this machine has used, by `/proc` (Linux). */
import { readdir, readFile } from 'node:fs/promises';

/** CPU time of a thread, in ns; 0 once it has ended. */
async function cpuOfThread(directory: string): Promise<number> {
  try {
    return Number((await readFile(`${directory}/schedstat`, 'utf8')).split(' ')[0]);
  } catch {
    return 0;
  }
}

/** CPU time of all its threads so far, in ms: by `schedstat`, which counts ns where `stat` counts hundredths of a second. */
export async function cpuOf(pid: number): Promise<number> {
  const tasks = `/proc/${pid}/task`;
  const times = await Promise.all((await readdir(tasks)).map((thread) => cpuOfThread(`${tasks}/${thread}`)));
  return times.reduce((sum, time) => sum + time, 0) / 1e6;
}

/** Resident memory, in bytes. */
export async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
