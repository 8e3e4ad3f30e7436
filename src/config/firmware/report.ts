import { firmwareOptions, firmwareService } from './common.js';

/** The options of `sidekick firmware list`, `show` and `log`. */
export const firmwareReportScope = { options: firmwareOptions, lists: {} };

/** The options of `sidekick firmware status`. */
export const firmwareStatusScope = { options: { service: firmwareService, ...firmwareOptions }, lists: {} };
