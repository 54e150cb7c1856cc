// The texts of `midwire help web` and `midwire help mcp`.

import { OWN_FLAGS } from './flags.js'
import { flagRow, rows } from './help.js'

const flagsOf = (command: string) =>
  OWN_FLAGS.filter(({ commands }) => commands?.includes(command))
    .map(flagRow)
    .join('')

export const webText = (): string => `midwire web [FILTER]

The proxy, with a page in your browser that shows its flows, devices, rules, options and log. It takes the flags of midwire itself.

The page is on 127.0.0.1:8081 (--web-host, --web-port) and is opened where stdout is a terminal (--no-web-open-browser). The URL that
is printed has a token, another one at each start: whoever has it can see and change everything. --web-password sets a password in
its place; it may be a hash (argon2id or scrypt).

All that the page does goes by an API for any program: its description is at /api/openapi.json. Models use it at /mcp
(midwire help mcp). Programs send the token as Authorization: Bearer TOKEN.

${flagsOf('web')}
Examples
${rows([
  ['midwire web', ''],
  ['midwire web -m wireguard -m regular@8080', 'devices by a QR code on the page, programs by the proxy'],
  ['midwire web --web-port 9000 --no-web-open-browser', ''],
  ["midwire web --intercept '~u /login'", 'requests that match wait on the page'],
  ['midwire web -r flows.har', 'look at a file'],
])}`

export const mcpText = (): string => `midwire mcp [--allow-changes] [--url URL]

Tools for a model, by the Model Context Protocol over stdin and stdout: list and search flows, show one with its bodies, wait for one,
export. They only look, unless --allow-changes adds the others: replay, mock, breakpoints, resume, modes, marks. What option redact
names is not shown.

Without --url it has a proxy of its own, on a free port of 127.0.0.1 (or as --mode says), which the tool get_state tells; it ends with
its client. The log goes to stderr. With --url it works with a midwire that runs. The same tools are at /mcp of each page
(midwire web), for clients that speak HTTP.

${flagsOf('mcp')}
Examples
${rows([
  ['midwire mcp --mode regular@8080', ''],
  ["midwire mcp --url 'http://127.0.0.1:8081/?token=TOKEN' --allow-changes", ''],
  ['midwire mcp --redact authorization --redact cookie', 'what the model does not need'],
])}`
