import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const dockerfile = readFileSync(new URL('../../../docker/nginx-plus/Dockerfile', import.meta.url), 'utf8');

/** The instructions, with their continuation lines joined and comments left out. */
const instructions = dockerfile
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');

describe('the image of NGINX Plus', () => {
  it('gets the licence as secrets of the build, and copies nothing but configuration and its njs modules', () => {
    const copies = instructions.filter((line) => /^(COPY|ADD)\b/.test(line));
    expect(copies).toEqual([
      'COPY docker/gateway/nginx-plus/ /etc/nginx/',
      'COPY dist/gateway/njs/ota.js dist/gateway/njs/download.js dist/gateway/njs/outcomes.js dist/gateway/njs/mqtt_clients.js /etc/nginx/njs/',
    ]);
    const [run = ''] = instructions.filter((line) => line.startsWith('RUN'));
    const secrets = [...run.matchAll(/--mount=type=secret,id=([\w.-]+),required=true/g)].map(([, id]) => id);
    expect(secrets).toEqual(['nginx-repo.crt', 'nginx-repo.key', 'nginx-signing.key']);
  });

  it('leaves no secret in a layer', () => {
    const [run = ''] = instructions.filter((line) => line.startsWith('RUN'));
    expect(run).not.toMatch(/(cp|install|cat|tee)\s[^;]*\/run\/secrets\/nginx-repo/);
    expect(dockerfile).not.toMatch(/^(ENV|ARG).*(CRT|KEY|JWT|LICEN)/im);
  });
});
