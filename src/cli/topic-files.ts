// The text of `midwire help files`: flows in files, written and read.
import { rows } from './help.js'

export const filesText = (): string => `midwire -w FILE [FILTER]        writes each flow that is over
midwire -r FILE [FILTER]        reads flows, shows them, and ends

-w, --save-stream-file writes the flow file of mitmproxy 11 and 12, which has everything: HTTP with WebSocket, TCP, UDP and DNS. +FILE
appends; without + what the file has is lost. With %Y, %m, %d, %H, %M, %S and the like in its name there is a file for each time.
--hardump writes a HAR, with HTTP and WebSocket alone, and bodies without their Content-Encoding. FILE.zhar is compressed, and - is
stdout, best with -q. Both have only flows that match --save-stream-filter, which a FILTER sets, too. A disk that is full or slow is
said once; traffic goes on, and flows are left out. Passwords are in these files: only their owner may read them.

-r, --rfile reads a flow file of mitmproxy 9 to 12, or a HAR (Chromium's, Firefox's, mitmproxy's and others), also gzip'd; - is stdin. The
flows run through the hooks of scripts. After a fault in the file its flows before that count, and midwire ends with 1. --keepserving:
midwire goes on when all is read.

Examples
${rows([
  ["midwire -w '+flows-%Y-%m-%d.mitm'", 'a file a day, continued after a restart'],
  ["midwire -w api.mitm '~d api.example.com'", 'only flows of this host'],
  ['midwire -r flows.mitm --flow-detail 3', 'a file, with headers and bodies'],
  ['midwire -q -r trace.har -w trace.mitm', 'from one form to the other'],
  ["midwire -q -r flows.mitm --hardump - '~c 500'", 'a HAR of what has failed, on stdout'],
])}`
