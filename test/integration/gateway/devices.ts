/** Devices that ask an NGINX for firmware, and what every answer to them keeps to. */
import type { IncomingMessage } from 'node:http';
import { expect } from 'vitest';
import type { Authority, KeyPair } from '../../support/certificates.js';
import type { TestNetwork } from '../../support/containers/index.js';
import { ANSWER_CASES, type AnswerCase } from '../../support/firmware-answers/index.js';
import { type RawAnswer, rawRequest } from '../../support/raw-request.js';
import { type Backend, hostAddress, startHttp } from './backends.js';

/** What the firmware server has at every path. */
export const FILE = Buffer.alloc(20_000, 0xe9);

/** A firmware server, and what it was asked for. */
export interface FileServer extends Backend {
  readonly asked: IncomingMessage[];
}

export async function startFiles(network: TestNetwork): Promise<FileServer> {
  const asked: IncomingMessage[] = [];
  const server = await startHttp(await hostAddress(network), (request, response) => {
    asked.push(request);
    response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
    response.setHeader('Content-Length', FILE.length);
    response.end(request.method === 'HEAD' ? undefined : FILE);
  });
  return Object.assign(server, { asked });
}

/** Devices before one NGINX. `port`: its ports on this machine. */
export class Devices {
  readonly #certificates = new Map<string, KeyPair>();

  constructor(
    readonly port: (name: 'http' | 'https') => number,
    readonly server: FileServer,
    authority: Authority,
  ) {
    for (const name of ANSWER_CASES.flatMap(({ certificate }) => certificate ?? [])) {
      if (!this.#certificates.has(name)) this.#certificates.set(name, authority.issue(name));
    }
  }

  ask(one: Omit<AnswerCase, 'name' | 'status'>): Promise<RawAnswer> {
    const https = one.https ?? true;
    return rawRequest({
      port: this.port(https ? 'https' : 'http'),
      https,
      target: `${one.path}${one.query ? `?${one.query}` : ''}`,
      ...(one.method ? { method: one.method } : {}),
      ...(one.headers ? { headers: one.headers } : {}),
      ...this.#certificates.get(one.certificate ?? ''),
    });
  }

  async checkCase(one: AnswerCase): Promise<void> {
    const { asked } = this.server;
    asked.length = 0;
    const answer = await this.ask(one);
    expect(answer.status).toBe(one.status);
    checkForm(answer, one.method);
    expect(answer.all('x-MD5')).toEqual(one.md5 === undefined ? [] : [one.md5]);
    expect(asked.map(({ method, url }) => [method, url])).toEqual(
      one.file ? [[one.method ?? 'GET', one.file]] : [],
    );
    if (one.file && one.method !== 'HEAD') expect(answer.body.equals(FILE)).toBe(true);
    if (one.body !== undefined) expect(answer.body.toString()).toBe(one.body);
  }
}

/** What every answer keeps to: small clients read no chunks, follow no redirects, and have 512 bytes for a line. */
export function checkForm(answer: RawAnswer, method = 'GET'): void {
  expect(answer.all('Transfer-Encoding')).toEqual([]);
  expect(answer.all('Content-Encoding')).toEqual([]);
  expect(answer.all('Location')).toEqual([]);
  expect(answer.all('Cache-Control')).toEqual(['no-store']);
  for (const line of answer.lines) expect(line.length).toBeLessThan(512);
  if (answer.status === 304) return;
  expect(answer.all('Content-Length')).toHaveLength(1);
  const length = method === 'HEAD' ? 0 : Number(answer.all('Content-Length')[0]);
  expect(answer.body.length).toBe(length);
}
