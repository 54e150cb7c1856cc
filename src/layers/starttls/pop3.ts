// STLS of POP3 (RFC 2595, 4).
import { LineTalk } from './lines.js'

export const pop3 = () =>
  new LineTalk({
    greeting: /^\+OK\b/,
    ask: /^STLS\s*$/i,
    over: /^(USER|PASS|APOP|AUTH)\b/i,
    // The lines of a list follow a `+OK`.
    final: /^(\+OK|-ERR)\b/,
    inOrder: true,
    answer: (line) => (line.startsWith('+OK') ? 'yes' : 'no'),
  })
