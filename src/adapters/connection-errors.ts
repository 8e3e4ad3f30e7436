/** Error texts of OpenSSL, Node.js, undici and gRPC for failed connections, each with what to do. */
const TROUBLES: readonly (readonly [words: RegExp, secure: boolean, advice: string])[] = [
  [
    /wrong version number|disconnected before secure TLS|packet length too long|record layer failure|unknown protocol|http request/i,
    true,
    'what listens there does not speak TLS: is the URL http://?',
  ],
  [
    /failed to connect|parse error|expected http|HPE_|protocol error|socket hang up|other side closed|connection dropped|ECONNRESET/i,
    false,
    'something listens there, but it does not speak as expected: if it speaks TLS, the URL is https://',
  ],
  [
    /self[- ]signed certificate|unable to (?:get|verify)/i,
    true,
    'its certificate is signed by no authority that is known here: name the file of the authority (ca)',
  ],
  [
    /altnames|hostname\/ip does not match/i,
    true,
    'its certificate is for another name: use that name in the URL, or give it (serverName)',
  ],
  [/no application protocol/i, true, 'what listens there speaks TLS, but not HTTP/2: it is another program'],
  [/certificate has expired/i, true, 'its certificate has expired, or a clock is wrong'],
  [
    /certificate required|bad certificate|handshake failure/i,
    true,
    'it wants a client certificate, or another one (cert and key)',
  ],
];

/** OpenSSL's form: a thread, a code, the reason, and the place in its source. */
const OPENSSL = /^(?:Error: )?[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/;

/**
 * Why a connection failed: the error text of the library without codes and places in its source, and what to do where
 * that is known.
 * @param secure Whether TLS was spoken.
 */
export function explainConnectionError(words: string, secure: boolean): string {
  const reason = words.replace(OPENSSL, '$1').replace(/^Error: /, '');
  const advice = TROUBLES.find(([pattern, tls]) => tls === secure && pattern.test(reason))?.[2];
  return advice === undefined ? reason : `${reason}: ${advice}`;
}
