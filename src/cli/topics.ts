// The texts of `midwire help TOPIC` and of `--help` after a command: what the command does, with examples.
import { FILTER_HELP, MidwireError, nearest, TRANSPARENT_MARK } from '../index.js'
import { OWN_FLAGS } from './flags.js'
import { flagRow, optionsText, rows } from './help.js'
import { filesText } from './topic-files.js'
import { REPLAY } from './topic-replay.js'
import { RULES } from './topic-rules.js'
import { viewsText } from './topic-views.js'
import { mcpText, webText } from './topic-web.js'

const WG = `midwire wg show|qr [NAME]
midwire wg add NAME [--public-key KEY]
midwire wg remove NAME

The clients of the WireGuard mode. Each device needs keys of its own; the first client is called default. A proxy that runs
follows each change at once.

${rows([
  ['show [NAME]', 'configurations for wg-quick and the desktop apps; of one, or of all'],
  ['qr [NAME]', 'the QR code for the app of a phone'],
  ['add NAME', 'make keys for another device, and show its configuration'],
  ['add NAME --public-key KEY', 'the same for a device that keeps its private key to itself'],
  ['remove NAME', 'remove the keys: the device can no longer connect'],
])}
These flags have to be the same here as those that the proxy is started with: --confdir, --mode, --listen-host,
--listen-port, --endpoint, --wireguard-subnet.

Examples
${rows([
  ['midwire wg add laptop', ''],
  ['midwire wg show laptop > laptop.conf', 'a file for: wg-quick up ./laptop.conf'],
  ['midwire wg qr phone', ''],
  ['midwire wg show -m wireguard@17820', 'for a proxy that runs as: midwire -m wireguard@17820'],
  ['midwire wg qr --endpoint my.host.example', 'for a device that is elsewhere'],
])}`

const CA = `midwire ca show|path

The certificate that devices and programs are to trust: that of an authority of your own, which is made when it is first needed.

${rows([
  ['show', 'subject, SHA-256 fingerprint, validity and files'],
  ['path', 'the file with the certificate, for programs that want one'],
])}
Anyone who has the key (midwire-ca.pem in the conf dir) can read your devices' traffic; the certificate is no secret.

Examples
${rows([
  ['midwire ca show', ''],
  ['curl -x http://localhost:8080 --cacert "$(midwire ca path)" https://example.com', ''],
  ['export NODE_EXTRA_CA_CERTS="$(midwire ca path)"', ''],
  ['midwire ca path --confdir ~/.mitmproxy', 'the certificate that mitmproxy uses'],
])}`

const DEMO = `midwire demo

Shows that midwire works on this machine: a WireGuard client, a proxy and a web site in one process. It needs no phone, no
root and no network, changes nothing, and is over within seconds.
`

function showText(): string {
  return `midwire show [-r FILE] [FILTER] [--limit N] [--follow] [--json]
midwire show [-r FILE] ID [--body request|response] [--json]

Shows the flows that midwire has recorded in the conf dir, the oldest first; also while it runs. Each line begins with the flow's
id: with it, the flow is shown whole. A filter is what it is for midwire itself (midwire help filter).

midwire records flows in the folder store of the conf dir, up to 4 GiB (--store-disk 20g; 0 records none); the oldest go
first. --body-record-limit says how much of a body is recorded. The files are readable for your user alone: they have
passwords and the like in them. To forget all flows, remove the folder while midwire does not run.

${flagsOf('show')}
-v shows headers, too, and --flow-detail 3 bodies. With --json each flow is a line; --json-bodies puts bodies into it. The exit code
is 1 where no flow has the id.

Examples
${rows([
  ['midwire show --limit 20', ''],
  ["midwire show '~d example.com & ~c 500'", ''],
  ['midwire show 1f0c2d3e', 'everything that was recorded of one flow'],
  ['midwire show 1f0c2d3e --body response > picture.png', 'the bytes as they passed: compressed ones are compressed'],
  ['midwire show -r flows ~c 500', 'from a flow file of mitmproxy or midwire, or a HAR'],
  ['midwire show --follow --limit 0 --json | jq .request.url', 'what comes, for programs'],
])}`
}

const flagsOf = (command: string) =>
  OWN_FLAGS.filter(({ commands }) => commands?.includes(command))
    .map(flagRow)
    .join('')

function runText(): string {
  return `midwire run [flags] -- CMD ARGS

Runs one command through a proxy of its own, on a free port of 127.0.0.1, and ends with it. The command gets the variables that
lead programs through a proxy and make them trust midwire: HTTPS_PROXY and its like, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS,
CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, GIT_SSL_CAINFO, and those of cargo, npm, pip and others. A program that reads none of them
(Java, a browser) is not seen.

Its input and output stay its own, so it can stand in a pipe; flows and the log go to stderr, or to a file. The exit code is the
command's: 127 where there is no such command, 128 and its number where a signal has ended it. Signals are passed on.

${flagsOf('run')}${rows([
  ['--json', 'flows as JSON lines'],
  ['-q', 'no flows'],
])}
Examples
${rows([
  ['midwire run -- npm install', ''],
  ['midwire run -- curl https://example.com > page.html', 'flows on the terminal, the page in the file'],
  ['midwire run --json --output flows.jsonl -- npm test', ''],
  ['midwire run -s addon.ts -- python client.py', ''],
  ['midwire run -m upstream:http://proxy:3128@127.0.0.1:0 -- git fetch', 'by way of another proxy'],
])}`
}

function cleanupText(): string {
  return `midwire cleanup [--dry-run]

Removes what a midwire that was killed has left on this machine, and prints each command as it is run: the rules and routes
of midwire transparent up (for these it needs root), temporary files and locks in the conf dir and beside the WireGuard key
files, and the folders of demonstrations. It is safe to repeat, and leaves alone what a midwire that runs is using, but for
the rules: redirected connections go where they would go without midwire from then on. What midwire keeps (keys,
certificates, config.yaml) stays.

${flagsOf('cleanup')}
These flags have to be the same here as those that the proxy was started with: --confdir, --mode.

Examples
${rows([
  ['midwire cleanup --dry-run', 'what would be done'],
  ['sudo midwire cleanup --confdir ~/.midwire', 'all of it'],
])}`
}

const VIA = `midwire --via WAY
midwire -m SPEC --via WAY
midwire --via /FILTER/WAY

By which way connections leave: all of them, those of the mode before it, or those that match a filter. Without it they go out
directly. Scripts do it for one flow: flow.via = 'WAY'.

${rows([
  ['direct', 'straight to the server'],
  ['http://USER:PASSWORD@HOST:PORT', 'a proxy; or https://, socks5://, socks4a://'],
  ['wireguard:FILE', 'a WireGuard tunnel whose client midwire is; FILE is for wg-quick'],
  ['WAY,WAY', 'one behind the other; a tunnel comes first'],
])}
A tunnel needs no root, and nothing else on this machine goes through it. It is started when a connection first needs it. TCP and UDP
pass, from the file's Address to what AllowedIPs have. Names are asked of the file's DNS servers, through the tunnel, where AllowedIPs
lead to them. Table, PostUp, FwMark and the like have no effect. When the file changes, the connections in the tunnel end, and the next
one starts it anew. Where the other end does not answer within 10 s, the connection fails and says so.

Examples
${rows([
  ['midwire --via socks5://localhost:9050', 'all connections leave by a SOCKS proxy'],
  ['midwire -m regular --via wireguard:client.conf', 'those of this mode, through a tunnel'],
  ['midwire --via wireguard:a.conf,http://10.0.0.1:3128', 'by a proxy that is in the network behind the tunnel'],
  ["midwire --via '/~d corp.example/wireguard:~/corp.conf'", 'only these hosts; the rest goes out directly'],
])}`

const TLS = `midwire --certs [DOMAIN=]FILE ... --client-certs PATH ...

How TLS is done with clients and with servers. midwire makes certificates for clients by itself, and verifies servers.

${rows([
  ['--certs FILE', 'your own certificate for all names: PEM with key, certificate and chain'],
  ['--certs DOMAIN=FILE', 'for example.org or *.example.org; a certificate is for the names in it, too'],
  ['--cert-passphrase TEXT', 'opens the keys in these files, and in those of --client-certs'],
  ['--client-certs PATH', 'for servers that ask for one: a file, or a directory of example.org.pem'],
  ['--request-client-cert', 'ask clients for a certificate, which is shown and not verified'],
  ['--ciphers-client LIST', "OpenSSL's list; without TLS_ names TLS 1.3 stays; or --ciphers-server"],
  ['--tls-ecdh-curve-client LIST', 'groups of the key exchange, X25519:P-256; or -server'],
  ['--tls-version-client-min V', 'UNBOUNDED, TLS1, TLS1_1, TLS1_2, TLS1_3; also -max, and -server-'],
])}
A minimum of TLS1 or TLS1_1 is for old devices: OpenSSL's security level goes down to 0 for that leg, which allows short keys and SHA-1.

The environment's MIDWIRE_SSLKEYLOGFILE, or SSLKEYLOGFILE, names a file that gets the secrets of both legs; in Wireshark it is
"(Pre)-Master-Secret log filename" of the protocol TLS. Whoever has the file can read what was captured.
--pcap-file FILE needs no other capture: midwire writes what passes with the secrets in it, and Wireshark opens it decrypted.

Examples
${rows([
  ["midwire --certs '*.example.org=example.pem'", 'these names with a certificate that devices trust already'],
  ['midwire --client-certs ~/certs', 'certs/api.example.org.pem is shown to api.example.org'],
  ['midwire --tls-version-client-min TLS1', 'for a device of 2010'],
  ['SSLKEYLOGFILE=keys.log midwire', ''],
  ['midwire --pcap-file traffic.pcapng', 'then: wireshark traffic.pcapng'],
])}`

function transparentText(): string {
  return `midwire transparent up [--interface IF] [--uid USER] [--ports LIST] [--port PORT] [--tproxy] [--dry-run]
midwire transparent down [--dry-run]

Sets and removes the rules by which the kernel brings connections to a transparent proxy on this machine, for IPv4 and IPv6. Needs
Linux, root, and nft (or iptables). Each command is printed as it is run. The rules have a table of their own, called
midwire; a second up replaces the first; down removes everything, also after a crash. The rules stay until down or a
restart of the machine: while midwire does not run, redirected connections fail.

Without --uid, what other devices send through this machine is redirected: they have it as their gateway. It has to forward
packets for all that is not redirected (sysctl -w net.ipv4.ip_forward=1 and net.ipv6.conf.all.forwarding=1).
With --uid USER, what programs of this machine open is redirected, but for those of USER: run midwire as USER, so that its
own connections are left alone. With --interface, too, both are.

Clients with public addresses, this machine's own among them, are refused until midwire has --no-block-global.

${flagsOf('transparent')}
A LIST is of ports and ranges: 80,443,8000-8100. With --tproxy the kernel rewrites nothing: TCP and UDP come as they are.
The proxy's mode is transparent:tproxy then, and needs root or CAP_NET_ADMIN; else it is transparent. Packets with the mark
${TRANSPARENT_MARK} (0x${TRANSPARENT_MARK.toString(16)}) are never redirected: midwire marks its own where it has these rights. Names that it asks the system for
are not marked, so that with port 53 among the ports midwire's user should be USER.

--set spoof_source_address: in transparent:tproxy servers see the client's own address, by TCP and UDP. Their answers have to come
back through this machine. Proxies on the way (--via) see midwire.
--set transparent_by_name: a connection that nothing here has redirected, because a name server or the DNAT of another
router has led it to midwire's port, goes to the name in TLS (port 443) or the Host field (its port, or 80). This is off by
default: whoever reaches the port can use midwire as an open relay then. block_global still refuses public addresses.
URLs have the host that the client has named; --no-showhost shows the server's address.

macOS, FreeBSD, OpenBSD: set rules of pf yourself. On the first two the mode asks "pfctl -s state" about each connection, as root
or by sudo without a password, and the rules are rdr; on OpenBSD they are divert-to. None of this was tried on such a machine.

Examples
${rows([
  ['midwire transparent up --interface eth0', 'for devices behind eth0; then: midwire -m transparent'],
  ['midwire transparent up --uid midwire', 'for this machine; then: sudo -u midwire midwire -m transparent'],
  [
    'midwire transparent up --tproxy --interface wlan0 --ports 53,80,443',
    'DNS and QUIC, too; then: midwire -m transparent:tproxy',
  ],
  ['midwire transparent up --dry-run', 'what would be done, as a shell script'],
  ['midwire transparent down', ''],
])}`
}

function filterText(): string {
  return `midwire [flags] FILTER

Only flows that match are shown, and written or read with -w and -r; all of them pass. Regular expressions are Python's, searched for anywhere, upper
and lower case alike (unless MITMPROXY_CASE_SENSITIVE_FILTERS=1 is in the environment). Those with spaces or one of ( ) ~ ' " stand in quotes.
Refused are possessive quantifiers, atomic groups, conditions, the flag L, \\N{...}, and references to groups that may have no match.
None takes for ever: where JavaScript's search would, midwire has another one. That one knows no lookaround and no backreferences;
with these, long texts are searched in their beginning, and expressions such as (a+)+\\1 are refused.

${rows(FILTER_HELP.map(({ term, help }) => [term, help] as const))}
Examples
${rows([
  ["midwire '~d example.com'", 'flows to example.com, and to hosts that have it in their name'],
  ["midwire '~d example.com & ~m POST'", 'only POST requests'],
  ["midwire '~c 404 | ~e'", 'requests that were answered with 404, and flows that have failed'],
  ["midwire '!~a & !~dns'", 'no pictures, styles or scripts, and no DNS'],
  ['midwire \'~ts json & ~bs "user id"\'', 'responses in JSON that have these words in them'],
  ['midwire login', 'URLs that have login in them'],
])}`
}

const TOPICS: Readonly<Record<string, () => string>> = {
  run: runText,
  wg: () => WG,
  ca: () => CA,
  demo: () => DEMO,
  show: showText,
  web: webText,
  mcp: mcpText,
  transparent: transparentText,
  cleanup: cleanupText,
  via: () => VIA,
  tls: () => TLS,
  rules: () => RULES,
  replay: () => REPLAY,
  filter: filterText,
  views: viewsText,
  files: filesText,
  options: () => optionsText(),
}

/** Throws ERR_ARGUMENT for a name that is no topic. */
export function topicText(name: string): string {
  const topic = Object.hasOwn(TOPICS, name) ? TOPICS[name] : undefined
  if (topic) return topic()
  const names = Object.keys(TOPICS)
  const meant = nearest(name, names)
  const hint = meant ? `did you mean ${meant}?` : `the topics are ${names.join(', ')}`
  throw new MidwireError('ERR_ARGUMENT', `there is no help about ${name}: ${hint}`)
}
