import type { EtcdOptions } from '../../adapters/etcd/options.js';
import type { KeyPrefixes } from '../../core/keys.js';
import type { etcdOptions } from '../options/common.js';
import type { Values } from '../schema.js';
import type { FileReader, FilesRead } from '../secret.js';
import { authSettings, tlsSettings } from './tls.js';
import { checkEtcdUrl, warnOfPlainText } from './urls.js';

/** How to reach etcd, and where in it. */
export interface EtcdSettings {
  readonly etcd: EtcdOptions;
  readonly space: KeyPrefixes;
  /** The files that these settings were read from, so that they can be read again when they change. */
  readonly filesRead: FilesRead;
}

export function etcdSettings(values: Values<typeof etcdOptions>, files: FileReader): EtcdSettings {
  const { endpoints, requestTimeout, resync } = values.etcd;
  const tls = tlsSettings(values.etcd, 'etcd.', files);
  const auth = authSettings(values.etcd, 'etcd.', files);
  if (endpoints.length === 0) {
    files.problems.push({ key: 'etcd.endpoints', reason: 'must have at least one URL, got none' });
  }
  const secure = endpoints.filter((endpoint) => endpoint.startsWith('https:')).length;
  if (secure > 0 && secure < endpoints.length) {
    files.problems.push({
      key: 'etcd.endpoints',
      reason: `must all be https:// or all http://, got ${endpoints.join(', ')}`,
    });
  } else if (tls && secure === 0) {
    files.problems.push({
      key: 'etcd.endpoints',
      reason: `must be https:// URLs where etcd.ca, etcd.cert or etcd.serverName is given, got ${endpoints.join(', ')}`,
    });
  }
  for (const endpoint of endpoints) {
    checkEtcdUrl('etcd.endpoints', endpoint, files);
    if (auth) warnOfPlainText('etcd.passwordFile', endpoint, 'the password', files);
  }
  return {
    etcd: { endpoints, requestTimeout, resync, ...(tls && { tls }), ...(auth && { auth }) },
    space: values.prefix,
    filesRead: files.filesRead,
  };
}
