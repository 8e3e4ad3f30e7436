/** Logs so many lines of 1,000 characters, says on the standard output that it could, and ends. */
import { createLogger } from '../../../../src/telemetry/logger.js';

const log = createLogger({ level: 'info', format: 'json' });
const text = 'x'.repeat(1_000);
for (let line = 0; line < Number(process.argv[2]); line++) log.info({ event: 'test-logged', line }, text);
process.stdout.write('logged', () => process.exit(0));
