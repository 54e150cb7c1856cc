// STARTTLS of SMTP, and of LMTP (RFC 3207).
import { LineTalk } from './lines.js'

export const smtp = () =>
  new LineTalk({
    greeting: /^220[ -]/,
    ask: /^STARTTLS\s*$/i,
    over: /^(MAIL|AUTH|DATA|BDAT)\b/i,
    final: /^\d{3}( |$)/,
    inOrder: true,
    answer: (line) => (line.startsWith('220') ? 'yes' : 'no'),
  })
