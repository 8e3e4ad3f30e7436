/** njs module: who may call the API over TCP. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import type { Caller, Policy } from '../api/access-rules.js';
import * as accessRules from '../api/access-rules.js';
import type { ApiError } from '../api/errors.js';
import * as apiErrors from '../api/errors.js';

/** A copy of the tokens that the entry point makes for the workers' user. */
const TOKENS = '/run/sidekick-gateway/credentials/token';

/** The value of auth_basic that turns it off. */
const OFF = 'off';
const REALM = 'NGINX Plus API';

/** Header fields that proxies add. */
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

/** Whether the request arrived at the Unix socket: whoever may open it may do everything. */
function isLocal(r: NginxHTTPRequest): boolean {
  return r.variables.gateway_api_local === 'on';
}

function errorOf(r: NginxHTTPRequest): ApiError | undefined {
  return isLocal(r) ? undefined : accessRules.findRefusal(callerOf(r), policyOf(r));
}

/** `js_set`: the error code if the request is refused, else empty. */
function refusal(r: NginxHTTPRequest): string {
  const found = errorOf(r);
  return found === undefined ? '' : found.code;
}

/** `js_content` for a refused request. */
function refuse(r: NginxHTTPRequest): void {
  const found = errorOf(r);
  const error = found === undefined ? apiErrors.apiError(403, 'Forbidden', 'forbidden') : found;
  r.headersOut['Content-Type'] = 'application/json';
  r.return(error.status, apiErrors.renderError(error, r.variables.request_id as string));
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

/** `js_set` for auth_basic: the realm if a user name and password are needed, else `off`. */
function realm(r: NginxHTTPRequest): string {
  if (isLocal(r)) return OFF;
  return accessRules.isAuthenticated(callerOf(r), policyOf(r), tokens, digest) ? OFF : REALM;
}

export default { refusal, refuse, realm };
