import { DEFAULT_REQUEST_TIMEOUT, DEFAULT_RESYNC, type EtcdOptions } from '../adapters/etcd/options.js';
import { DEFAULT_KEY_PREFIXES, type KeyPrefixes } from '../core/keys.js';
import { formatDuration } from './engine/duration.js';
import { duration, file, keyPrefix, listOf, string, url } from './engine/formats.js';
import { option, optional, type Values } from './engine/schema.js';
import type { FileReader, FilesRead } from './engine/secret-files.js';
import { authSettings, tlsOptions, tlsSettings } from './tls.js';
import { checkEtcdUrl, warnOfPlainText } from './urls.js';

/** The options of every command that uses etcd. */
export const etcdOptions = {
  etcd: {
    endpoints: option(
      listOf(url),
      ['http://127.0.0.1:2379'],
      'URLs of the members of the etcd cluster. Repeat the flag, or separate them by commas.',
    ),
    username: optional(string, 'etcd user. Needs the password file.'),
    passwordFile: optional(
      file,
      'File whose first line is the password. A name without a slash is a systemd credential.',
    ),
    ...tlsOptions,
    requestTimeout: option(
      duration('100ms'),
      formatDuration(DEFAULT_REQUEST_TIMEOUT),
      'How long one call to etcd may take.',
    ),
    resync: option(
      duration('1s'),
      formatDuration(DEFAULT_RESYNC),
      'How often what is watched is compared with etcd, which needs a full read every tenth time.',
    ),
  },
  prefix: {
    services: option(keyPrefix, DEFAULT_KEY_PREFIXES.services, 'Prefix of the registrations in etcd.'),
    control: option(
      keyPrefix,
      DEFAULT_KEY_PREFIXES.control,
      'Prefix of the keys by which watchers, registrars and operators talk to each other.',
    ),
  },
};

/** How to reach etcd, and which keys to use. */
export interface EtcdSettings {
  readonly etcd: EtcdOptions;
  readonly prefixes: KeyPrefixes;
  /** The files that these settings were read from: when one changes, it is read again. */
  readonly filesRead: FilesRead;
}

/** Reads the etcd options of a command, with the files that they name. Problems and warnings are added to `files`. */
export function etcdSettings(values: Values<typeof etcdOptions>, files: FileReader): EtcdSettings {
  const { endpoints, requestTimeout, resync } = values.etcd;
  const tls = tlsSettings(values.etcd, 'etcd.', files);
  const auth = authSettings(values.etcd, 'etcd.', files);
  checkEndpoints(endpoints, tls !== undefined, files);
  for (const endpoint of endpoints) {
    checkEtcdUrl('etcd.endpoints', endpoint, files);
    if (auth) warnOfPlainText('etcd.passwordFile', endpoint, 'the password', files);
  }
  return {
    etcd: { endpoints, requestTimeout, resync, ...(tls && { tls }), ...(auth && { auth }) },
    prefixes: values.prefix,
    filesRead: files.filesRead,
  };
}

/** TLS is used with every endpoint or with none. */
function checkEndpoints(endpoints: readonly string[], hasTls: boolean, files: FileReader): void {
  const key = 'etcd.endpoints';
  if (endpoints.length === 0) files.problems.push({ key, reason: 'must have at least one URL, got none' });
  const secure = endpoints.filter((endpoint) => endpoint.startsWith('https:')).length;
  const got = `got ${endpoints.join(', ')}`;
  if (secure > 0 && secure < endpoints.length) {
    files.problems.push({ key, reason: `must all be https:// or all http://, ${got}` });
  } else if (hasTls && secure === 0) {
    const reason = `must be https:// URLs if etcd.ca, etcd.cert or etcd.serverName is given, ${got}`;
    files.problems.push({ key, reason });
  }
}
