import { describe } from 'vitest';
import { FakeKeyvals } from '../../support/fake-keyvals.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { keyvalContract } from './keyvals.js';
import { nginxContract } from './suite.js';

describe('the fake NGINX', () => {
  const nginx = new FakeNginx({ http: ['firmware'], stream: ['mqtt'] });
  nginxContract(
    () => nginx,
    (kind) => (kind === 'http' ? 'firmware' : 'mqtt'),
  );
  const keyvals = new FakeKeyvals('firmware');
  keyvalContract(() => keyvals, 'firmware');
});
