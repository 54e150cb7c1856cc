// The text of `midwire help replay`: flows that wait, requests that are sent again, and recorded responses that answer.
import { rows } from './help.js'

export const REPLAY = `midwire --intercept FILTER -s SCRIPT
midwire -C FILE [--client-replay-concurrency -1]
midwire -S FILE [--server-replay-extra WHAT] ...

A FILE has recorded flows: a flow file of mitmproxy, or a HAR. - is stdin.

--intercept: flows that match wait at their request, their response and each message, until a script calls flow.resume() or flow.kill();
it may change them meanwhile. Flows that are replayed do not wait. --no-intercept-active lets all pass.

-C sends the requests of a file again, in their order, as their clients did: through scripts and rules, by the way of the mode that they came
by, with the same HTTP version, fields and body. The command ends when all are answered, unless --keepserving is there.
WebSockets, CONNECT and bodies that were recorded in part are left out.

-S answers requests by the responses of a file. Each answers once, in their order. Equal are scheme, method, host, port, path, query and body:

${rows([
  ['--server-replay-extra WHAT', 'what has no response there: forward (default), kill, 204, 400, 404 or 500'],
  ['--server-replay-reuse', 'responses answer again and again'],
  ['--no-server-replay-refresh', 'dates stay as they were recorded'],
  ['--server-replay-ignore-host', 'hosts need not be equal; -port, -content: ports, bodies'],
  ['--server-replay-ignore-params P', 'parameters of the query; -payload-params: of forms in bodies'],
  ['--server-replay-use-headers F', 'fields that have to be equal, too'],
])}
Where servers cannot be reached, add --connection-strategy lazy: else they are connected to before there is a request.

Examples
${rows([
  ['midwire -C flows --keepserving', ''],
  ['midwire -S flows --server-replay-extra 404', 'no request goes out'],
  ["midwire --intercept '~d example.com & ~m POST' -s editor.ts", ''],
])}`
