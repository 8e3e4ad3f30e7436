/** Files, and what the kernel shows as files. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';

/** The contents of a file; undefined if it cannot be read. */
export function read(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8') as string;
  } catch {
    return undefined;
  }
}

/** Removes a file if it exists. */
export function remove(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // It did not exist.
  }
}

/** Whether a process is running. */
export function isRunning(pid: number): boolean {
  try {
    fs.accessSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}
