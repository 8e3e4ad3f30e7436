import { describe } from 'vitest';
import { FakeKeyvals } from '../../support/fake-keyvals.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { host } from '../../support/watching.js';
import { keyvalContract } from './keyvals.js';
import { nginxContract } from './suite.js';
import { trafficContract } from './traffic.js';

const GROUPS = { http: 'firmware', stream: 'mqtt' };
const ADDRESSES = [host(1), host(2)] as const;

describe('the fake NGINX', () => {
  const nginx = new FakeNginx({ http: [GROUPS.http], stream: [GROUPS.stream] });
  nginxContract(
    () => nginx,
    (kind) => GROUPS[kind],
  );
  trafficContract(() => ({
    api: nginx,
    groups: GROUPS,
    addresses: { http: ADDRESSES, stream: ADDRESSES },
    begin: async (ref) => {
      const end = nginx.begin(ref);
      return async () => end();
    },
  }));
  const keyvals = new FakeKeyvals('firmware');
  keyvalContract(() => keyvals, 'firmware');
});
