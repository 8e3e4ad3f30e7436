/** The monotonic clock of the machine, in ms: times of different processes can be compared (CLOCK_MONOTONIC). */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
