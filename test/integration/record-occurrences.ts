/** Runs before each integration test file: what its daemons log and record is compared with the tables after all of them. */
import { expect } from 'vitest';
import { recordOccurrences } from '../support/occurrences.js';

recordOccurrences(expect.getState().testPath ?? '');
