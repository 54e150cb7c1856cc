// STARTTLS of IMAP (RFC 9051, 6.2.1).
import { LineTalk } from './lines.js'

export const imap = () =>
  new LineTalk({
    greeting: /^\* OK\b/i,
    ask: /^([^ ]+) STARTTLS\s*$/i,
    over: /^[^ ]+ (LOGIN|AUTHENTICATE)\b/i,
    // The greeting alone ends without a tag.
    final: /^(\* OK\b|[^*+ ][^ ]* (OK|NO|BAD)\b)/i,
    inOrder: false,
    answer: (line, [, tag = '']) =>
      line.startsWith(`${tag} `) ? (/^OK\b/i.test(line.slice(tag.length + 1)) ? 'yes' : 'no') : undefined,
  })
