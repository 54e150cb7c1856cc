// The text of `midwire help rules`: the options that change traffic by rules.
import { rows } from './help.js'

export const RULES = `midwire -H RULE -B RULE -M RULE --map-local RULE --set block_list=RULE ...

Changes traffic without a script. The first character of a rule separates its parts, and may be any that the parts do not have: / : | and
so on. The last part may have it. A FILTER chooses flows (midwire help filter); without one the rule is for all. Flags repeat; in
config.yaml the rules of an option are a list.

${rows([
  ['-H /[FILTER/]NAME/[VALUE]', 'takes the field NAME away, and puts it there with VALUE; modify_headers'],
  ['-B /[FILTER/]REGEX/TEXT', 'replaces what matches in bodies, without their compression; modify_body'],
  ['-M /[FILTER/]REGEX/TEXT', 'replaces what matches in URLs: the request goes there; map_remote'],
  ['--map-local /[FILTER/]REGEX/PATH', 'a file answers what matches, or those of a directory'],
  ['--block-list /FILTER/STATUS', 'refuses requests; 444 closes the connection without an answer'],
])}
-H and -B change requests and responses: ~q in the filter is for requests, ~s for responses. All filters of -H are asked before a field
is touched, then all fields go, then the new ones come. A VALUE or TEXT that begins with @ names a file, which is put there as it is.
Regular expressions are Python's, with what \`midwire help filter\` says of them, in upper and lower case as they are written; the dot matches
newlines in bodies. In a TEXT \\1 or \\g<1> is a group, \\g<name> one with a name, \\\\ a backslash.
-B leaves bodies alone that are longer than stream_large_bodies, come in messages (events, gRPC), or cannot be decoded: the log says so.
--map-local: what stands behind the match in the URL, or group 1, is the name in the directory; index.html is tried, too. Nothing leads out
of the directory, no link either. Where no rule has a file, the answer is 404.

${rows([
  ['--stickycookie FILTER', 'adds the cookies that servers have set to requests that match'],
  ['--stickyauth FILTER', 'adds the Authorization that a host was sent last'],
  ['--anticache', 'takes If-None-Match and If-Modified-Since away: servers answer in full'],
  ['--anticomp', 'asks servers for bodies without compression'],
])}
--throttle [/FILTER/]LIMITS slows clients down. LIMITS are, with commas between, 3g, slow-4g, fast-4g or offline as Chromium has them, or
rate=1m (bytes a second, both ways), down=1m, up=100k, latency=200ms (added to each round trip), loss=1% (of datagrams: UDP). The rates are
those of all connections of one client together that the rule is for. A connection is slow while a flow on it that matches runs, and so
are other flows on it, as in HTTP/2. What comes before the first flow, a TLS handshake, is not slowed.

--redact NAMES keeps secrets from all outputs: terminal, JSON lines, log, files, readers of flows. Traffic passes as it is, and scripts see it
all. The names, with commas between, are header fields (authorization,set-cookie), fields of JSON ($.password at the top, $..password
anywhere, $.user.token; arrays count as their elements) and parameters of URLs and forms (?token). The word REDACTED is in their place.
JSON is looked for in bodies, events, WebSockets and raw flows; where a body of JSON cannot be read, nothing of it is shown.

Examples
${rows([
  ["midwire -H '/~q/User-Agent/Mozilla'", 'in requests alone'],
  ["midwire -H '/~s/Content-Security-Policy/'", 'takes the field away from responses'],
  ["midwire -B ':~s & ~t html:</body>:@banner.html'", ''],
  ["midwire -M '|https://api.example/|http://localhost:3000/'", ''],
  ["midwire --map-local '|example.com/static|./build'", 'example.com/static/app.js is build/app.js'],
  ["midwire --block-list ':~d ads.example:444'", ''],
  ['midwire --throttle slow-4g', ''],
  ["midwire --throttle '/~d api.example/rate=20k,latency=500ms'", ''],
  ["midwire --redact 'authorization,cookie,set-cookie,$..password'", ''],
])}`
