/** The service under which firmware servers register unless configured otherwise. */
export const DEFAULT_FIRMWARE_SERVICE = 'firmware';

/** How many files a firmware server fetches at a time. */
export const DEFAULT_PARALLEL = 4;

/** How many bytes of the disk fetches leave free: 64 MiB. */
export const DEFAULT_RESERVE = 64 * 1024 * 1024;
