import { fuzz } from '../../fuzz/suite.js';
import { UNIT_TARGETS } from '../../fuzz/targets/index.js';

fuzz(UNIT_TARGETS);
