// AUTH TLS of FTP (RFC 4217). It is for the control connection; data connections pass as they are.
import { LineTalk } from './lines.js'

export const ftp = () =>
  new LineTalk({
    greeting: /^(120|220)[ -]/,
    ask: /^AUTH (TLS|TLS-C|SSL)\s*$/i,
    over: /^(USER|PASS)\b/i,
    // 1yz says that the answer is still to come (RFC 959, 4.2).
    final: /^[2-5]\d\d( |$)/,
    inOrder: true,
    answer: (line) => (/^(234|334)/.test(line) ? 'yes' : 'no'),
  })
