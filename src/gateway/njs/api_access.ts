/** njs module: who may call the API over TCP. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import type { Caller, Policy } from '../api/access-rules.js';
import * as accessRules from '../api/access-rules.js';
import type { ApiFailure } from '../model/errors.js';
import * as errors from '../model/errors.js';

/** Copies that the entry point makes for the workers' user. */
const TOKENS = '/run/sidekick-gateway/credentials/token';

/** What auth_basic takes for "nobody is asked". */
const OFF = 'off';
const REALM = 'NGINX Plus API';

/** Header fields by which proxies say for whom they ask. */
const PROXY_FIELDS = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'Forwarded', 'Via'];

function field(r: NginxHTTPRequest, name: string): string {
  const value = r.headersIn[name];
  return value === undefined ? '' : value;
}

function callerOf(r: NginxHTTPRequest): Caller {
  const variables = r.variables;
  const remote = variables.remote_addr as string;
  return {
    method: r.method,
    scheme: variables.scheme as string,
    host: variables.http_host === undefined ? '' : (variables.host as string),
    authority: field(r, 'Host'),
    origin: field(r, 'Origin'),
    contentType: field(r, 'Content-Type'),
    proxied: PROXY_FIELDS.some((name) => r.headersIn[name] !== undefined),
    authorization: field(r, 'Authorization'),
    certificate: variables.ssl_client_verify === 'SUCCESS',
    loopback: /^127\./.test(remote) || remote === '::1' || remote === '::ffff:127.0.0.1',
  };
}

function policyOf(r: NginxHTTPRequest): Policy {
  const hosts = (r.variables.gateway_api_hosts || '').toLowerCase().split(' ');
  hosts.push((r.variables.hostname as string).toLowerCase());
  return { hosts: hosts, openReads: r.variables.gateway_api_read === 'open' };
}

/** Whether the Unix socket took the request: who may open it may do everything. */
function local(r: NginxHTTPRequest): boolean {
  return r.variables.gateway_api_local === 'on';
}

function failureOf(r: NginxHTTPRequest): ApiFailure | undefined {
  return local(r) ? undefined : accessRules.findRefusal(callerOf(r), policyOf(r));
}

/** `js_set`: the code of the reason to refuse the request; empty where there is none. */
function refusal(r: NginxHTTPRequest): string {
  const found = failureOf(r);
  return found === undefined ? '' : found.code;
}

/** `js_content` behind a refusal: says why. */
function refuse(r: NginxHTTPRequest): void {
  const found = failureOf(r);
  const failure = found === undefined ? errors.failure(403, 'Forbidden', 'forbidden') : found;
  r.headersOut['Content-Type'] = 'application/json';
  r.return(failure.status, errors.render(failure, r.variables.request_id as string));
}

function tokens(): string {
  try {
    return fs.readFileSync(TOKENS, 'utf8') as string;
  } catch {
    return '';
  }
}

function digest(text: string): Uint8Array {
  return crypto.createHash('sha256').update(text).digest();
}

/** `js_set` for auth_basic: the realm for which a name and a password are wanted, or `off`. */
function realm(r: NginxHTTPRequest): string {
  if (local(r)) return OFF;
  return accessRules.needsNoPassword(callerOf(r), policyOf(r), tokens, digest) ? OFF : REALM;
}

export default { refusal, refuse, realm };
