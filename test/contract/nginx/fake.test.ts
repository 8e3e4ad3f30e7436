import { describe } from 'vitest';
import { FakeNginx } from '../../support/fake-nginx.js';
import { nginxContract } from './suite.js';

describe('the fake NGINX', () => {
  const nginx = new FakeNginx({ http: ['firmware'], stream: ['mqtt'] });
  nginxContract(
    () => nginx,
    (kind) => (kind === 'http' ? 'firmware' : 'mqtt'),
  );
});
