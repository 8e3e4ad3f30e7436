import { fuzz } from '../../fuzz/suite.js';
import { REAL_TARGETS } from '../../fuzz/targets/index.js';

fuzz(REAL_TARGETS);
