import { expect, it } from 'vitest';
import type { NginxAuth } from '../../../src/adapters/nginx/options.js';
import { warnOfExposure } from '../../../src/commands/warn-of-exposure.js';
import type { Log } from '../../../src/core/ports.js';

function warnings(url: string, auth?: NginxAuth): unknown[] {
  const said: unknown[] = [];
  const log = { warn: (fields: object) => said.push(fields) } as unknown as Log;
  warnOfExposure(log, [{ name: 'lb', url, ...(auth && { auth }) }]);
  return said;
}

const TOKEN = { token: 'secret' };

it('warns of a credential that goes over plain http to another host, and does not show it', () => {
  const said = warnings('http://10.0.0.1:8080/api', TOKEN);
  expect(said).toEqual([{ event: 'credential-exposed', nginx: 'lb', api: 'http://10.0.0.1:8080/api' }]);
  expect(warnings('http://lb/api', { username: 'lb', password: 'secret' })).toHaveLength(1);
});

it.each([
  'https://lb/api',
  'http://127.0.0.1:8080/api',
  'http://localhost/api',
  'http://[::1]/api',
  'unix:/run/sidekick-gateway/api/api.sock:/api',
])('says nothing of %s', (url) => expect(warnings(url, TOKEN)).toEqual([]));

it('says nothing where there is no credential', () => expect(warnings('http://10.0.0.1/api')).toEqual([]));
