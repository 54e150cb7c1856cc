// midwire's own options by their names, with type, default and help: one table for `--set`, config.yaml, flags and the API.

/** The definition of an option. midwire's own are in OPTIONS; addons and scripts define more by their property `options`. */
export interface OptionDefinition {
  /**
   * The kind of value. `boolean`: true or false. `integer`: a whole number. `string`: a text. `strings`: a list of texts. `path`: a
   * path, where `~` is the home directory. `paths`: a list of paths. `size`: a number of bytes, where `k`, `m`, `g` and `t` are powers
   * of 1024. `choice`: one of `choices`. `regexps`: a list of regular expressions, which may match anywhere and in any case.
   */
  readonly type: 'boolean' | 'integer' | 'string' | 'strings' | 'path' | 'paths' | 'size' | 'choice' | 'regexps'
  /** The default, as `--set` would write it. Undefined means no value, and is for the types integer, size, string and path. */
  readonly default: boolean | number | string | readonly string[] | undefined
  /** For the type choice: all possible values. */
  readonly choices?: readonly string[]
  /** For the types integer and size: the least and the greatest value. Default: from 0. */
  readonly range?: readonly [number, number]
  /** One line for `midwire --options`. */
  readonly help: string
  /** True: the option is read when midwire starts, and changing it later is refused. Default: false. */
  readonly fixed?: boolean
}

/** Definitions by the names of the options. A name has letters, digits and underscores, and begins with a letter. */
export type OptionDefinitions = { readonly [name: string]: OptionDefinition }

const flag = (fallback: boolean, help: string) => ({ type: 'boolean', default: fallback, help }) as const
const integer = <D extends number | undefined>(range: readonly [number, number], fallback: D, help: string) =>
  ({ type: 'integer', range, default: fallback, help }) as const
const text = <D extends string | undefined>(fallback: D, help: string) =>
  ({ type: 'string', default: fallback, help }) as const
const list = (help: string) => ({ type: 'strings', default: [] as readonly string[], help }) as const
const path = (help: string) => ({ type: 'path', default: undefined, help }) as const
const paths = (help: string) => ({ type: 'paths', default: [] as readonly string[], help }) as const
const regexps = (help: string) => ({ type: 'regexps', default: [] as readonly string[], help }) as const
const size = <D extends string | undefined>(fallback: D, help: string, range?: readonly [number, number]) =>
  ({ type: 'size', default: fallback, help, ...(range && { range }) }) as const
const choice = <const C extends readonly string[]>(choices: C, fallback: C[number], help: string) =>
  ({ type: 'choice', choices, default: fallback, help }) as const

/** TLS versions in mitmproxy's words. UNBOUNDED is whatever OpenSSL has, from TLS 1.0 on. */
const VERSIONS = ['UNBOUNDED', 'TLS1', 'TLS1_1', 'TLS1_2', 'TLS1_3'] as const

/** An option that is read only when midwire starts. */
const fixed = <const D extends OptionDefinition>(definition: D) => ({ ...definition, fixed: true }) as const

/** All options of midwire's own. Where mitmproxy has an option, the name and the meaning are mitmproxy's. */
export const OPTIONS = {
  mode: list('modes, each `name[:data][@[host:]port][ via PROXIES]`; default: wireguard and regular'),
  server: fixed(flag(true, 'listen for clients; off: flows are read and replayed, and none come')),
  via: list(
    'the way out: `socks5://host:1080,http://host`, `wireguard:FILE`, `direct`; or rules, `/FILTER/WAY`: the first counts; right after --mode: of that mode',
  ),
  listen_host: fixed(
    text('', 'address that listeners bind; empty: all for wireguard and transparent, 127.0.0.1 for other modes'),
  ),
  listen_port: fixed(integer([0, 65_535], undefined, "port that listeners bind; default: each mode's own")),
  scripts: fixed(paths('addons to load: .js, .mjs or .ts files')),
  hook_timeout: integer(
    [0, 86_400],
    30,
    "seconds that an addon's hook may take, without those in which its flow is intercepted; 0: no limit",
  ),
  endpoint: fixed(
    text(undefined, "where WireGuard clients connect to, `host` or `host:port`; default: this machine's addresses"),
  ),
  congestion: fixed(
    choice(['bbr', 'cubic'], 'bbr', "congestion control of the tunnel's TCP; cubic slows down at every loss"),
  ),
  tcp_buffer: fixed(size('6m', "bytes that a window of the tunnel's TCP grows to, 16m at most", [64 << 10, 16 << 20])),
  wireguard_subnet: fixed(list('the addresses in the tunnel; default 10.0.0.0/24 and fd6d:6964:7769:7265::/64')),
  keep_host_header: flag(false, 'mode reverse leaves the Host field, and the name in TLS, as the client has them'),
  keep_alt_svc_header: flag(false, 'mode reverse leaves Alt-Svc as the server has it'),
  connection_strategy: choice(['eager', 'lazy'], 'eager', 'connect to the server at once, or only when it is needed'),
  upstream_cert: flag(true, "ask the server first, and copy its certificate's names and its ALPN"),
  ssl_insecure: flag(false, "do not verify servers' certificates"),
  ssl_verify_upstream_trusted_ca: path('file of PEM certificates to trust instead of the system ones'),
  ssl_verify_upstream_trusted_confdir: path('directory of PEM certificates to trust in addition'),
  certs: list(
    'certificates of your own for clients, `[DOMAIN=]FILE`: PEM with key and chain; without DOMAIN: for all names',
  ),
  cert_passphrase: text(undefined, 'the passphrase of the keys in the files of certs and client_certs'),
  client_certs: path(
    'certificate for servers that ask for one: a file (PEM, with key), or a directory of example.org.pem',
  ),
  request_client_cert: flag(false, 'ask clients for a certificate, which is shown and not verified'),
  add_upstream_certs_to_client_chain: flag(
    false,
    "send the certificates of the server's chain to the client, after ours",
  ),
  tls_version_client_min: choice(VERSIONS, 'TLS1_2', 'lowest TLS version for clients; TLS1, TLS1_1: for old devices'),
  tls_version_client_max: choice(VERSIONS, 'UNBOUNDED', 'highest TLS version for clients'),
  tls_version_server_min: choice(VERSIONS, 'TLS1_2', 'lowest TLS version for servers; TLS1, TLS1_1: for old servers'),
  tls_version_server_max: choice(VERSIONS, 'UNBOUNDED', 'highest TLS version for servers'),
  tls_engine: choice(
    ['auto', 'node'],
    'auto',
    'what does TLS: auto takes rustls where it can, and OpenSSL else; node always takes OpenSSL',
  ),
  ciphers_client: text(
    undefined,
    "cipher suites for clients, OpenSSL's list: `ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA`",
  ),
  ciphers_server: text(undefined, "cipher suites for servers, OpenSSL's list"),
  tls_ecdh_curve_client: text(undefined, 'groups of the key exchange for clients: `X25519:P-256`'),
  tls_ecdh_curve_server: text(undefined, 'groups of the key exchange for servers'),
  tls_legacy_server: flag(false, 'accept old servers: no safe renegotiation, short keys, SHA-1; -k includes this'),
  tls_fail_open: text(
    'off',
    'for an hour a client that refused our certificate for a name reaches that server undecrypted: `off`, `on`, or a filter',
  ),
  ignore_hosts: regexps('connections to a host:port that matches pass without interception'),
  allow_hosts: regexps('only connections to a host:port that matches are intercepted; others pass'),
  tcp_hosts: regexps('connections to a host:port that matches are raw TCP'),
  udp_hosts: regexps('datagrams to a host:port that matches are raw UDP'),
  show_ignored_hosts: flag(false, 'show ignored connections as raw flows'),
  http2: flag(true, 'offer and accept HTTP/2; off: HTTP/1 alone'),
  http2_ping_keepalive: integer(
    [0, 86_400],
    58,
    'seconds of silence on an HTTP/2 connection with open streams, after which a PING is sent; 0: never',
  ),
  mirror_http2: flag(false, 'introduce midwire to HTTP/2 servers as the client does: SETTINGS, window and priorities'),
  websocket: flag(true, 'read WebSocket messages; off: they pass as raw bytes after the 101'),
  rawtcp: flag(true, 'treat a connection that does not look like HTTP as raw TCP; off: as HTTP'),
  showhost: flag(true, 'show URLs with the host that the client has named; off: with the address of the server'),
  body_record_limit: size(
    '1m',
    'bytes of each body, raw flow or WebSocket that are recorded; the whole of it still passes',
  ),
  store_streamed_bodies: flag(
    false,
    'record bodies whole, whatever their length, in memory; off: as much of each as body_record_limit says, 0 for nothing',
  ),
  store_memory: size(
    '256m',
    'bytes of recorded flows in memory, where none are on disk; beyond them the oldest are dropped',
  ),
  store_disk: fixed(
    size('0', 'bytes of recorded flows on disk, in the conf dir; 0: none; the command midwire has 4g by default'),
  ),
  stream_large_bodies: size('1m', 'bodies longer than this pass before their request or response hook'),
  body_size_limit: size(undefined, 'bodies longer than this are refused'),
  validate_inbound_headers: flag(
    true,
    'refuse HTTP heads that break the grammar; off: accept those with one possible meaning',
  ),
  connect_addr: text(undefined, 'IP address of this machine that connections to servers come from'),
  spoof_source_address: flag(
    false,
    "mode transparent:tproxy: servers see the client's own address, but for those behind a proxy",
  ),
  transparent_by_name: flag(
    false,
    'mode transparent: what nothing has redirected goes to the name in TLS (port 443) or Host; all who reach the port may use it',
  ),
  rfile: fixed(text(undefined, 'read flows from this file: a flow file of mitmproxy or a HAR; `-` is stdin')),
  readfile_filter: text(undefined, 'read only flows that match this filter'),
  save_stream_file: text(
    undefined,
    'write flows to this flow file; `+PATH` appends; with %Y, %m, %d, %H ... there is a file for each time',
  ),
  save_stream_filter: text(undefined, 'write only flows that match this filter, to save_stream_file and to hardump'),
  hardump: text(undefined, 'write flows of HTTP to this HAR; `-` is stdout, PATH.zhar is compressed'),
  keepserving: flag(false, 'go on after files were read and flows were replayed; off: midwire ends then'),
  intercept: text(
    undefined,
    'flows that match this filter wait, at request, response and each message, until a script or program resumes them',
  ),
  intercept_active: flag(true, 'off: flows that match intercept do not wait'),
  client_replay: paths('files of flows whose requests are sent again, in their order'),
  server_replay: paths('files of flows whose responses answer equal requests in the place of servers'),
  server_replay_kill_extra: flag(false, 'the old form of server_replay_extra=kill'),
  server_replay_extra: choice(
    ['forward', 'kill', '204', '400', '404', '500'],
    'forward',
    'what becomes of a request without a recorded response: it goes on, loses its connection, or gets this status',
  ),
  server_replay_reuse: flag(false, 'recorded responses answer again and again; off: each answers once'),
  server_replay_nopop: flag(false, 'the old name of server_replay_reuse'),
  server_replay_refresh: flag(true, 'the dates of recorded responses, and of their cookies, are moved to now'),
  server_replay_use_headers: list('request fields that have to be equal, too'),
  server_replay_ignore_content: flag(false, "requests' bodies need not be equal"),
  server_replay_ignore_host: flag(false, 'hosts need not be equal'),
  server_replay_ignore_port: flag(false, 'ports need not be equal'),
  server_replay_ignore_params: list('parameters of the query that need not be equal'),
  server_replay_ignore_payload_params: list('parameters of forms in the body that need not be equal'),
  client_replay_concurrency: integer(
    [-1, 1],
    1,
    'requests of client replay at once: 1, or -1 for as many as there are',
  ),
  tcp_timeout: integer([1, 2_000_000], 600, 'seconds of silence after which a connection is closed'),
  proxyauth: text(
    undefined,
    'ask clients for a user and a password: `user:password`, `any`, or `@FILE` of htpasswd (bcrypt, {SHA})',
  ),
  upstream_auth: text(
    undefined,
    'user and password, `user:password`, for the proxy or server of upstream and reverse modes',
  ),
  modify_headers: list(
    'rules `/[FILTER/]NAME/[VALUE]`: take fields away, and put others there; value `@FILE`: from a file',
  ),
  modify_body: list('rules `/[FILTER/]REGEX/REPLACEMENT` for bodies; `\\1` is a group, `@FILE` what is in a file'),
  map_remote: list('rules `/[FILTER/]URL-REGEX/REPLACEMENT`: send requests elsewhere'),
  map_local: list('rules `/[FILTER/]URL-REGEX/PATH`: answer requests with a file, or with those of a directory'),
  block_list: list(
    'rules `/FILTER/STATUS`: refuse requests with that status; 444 closes the connection without an answer',
  ),
  throttle: list(
    'slow clients down, `[/FILTER/]LIMITS`: 3g, slow-4g, fast-4g, offline, or rate=1m,latency=200ms,loss=1%; bytes a second',
  ),
  disabled_rules: list(
    'rules that are switched off and stay in their options: `OPTION:RULE` or `OPTION:NUMBER`, `map_local:1`, of modify_headers, modify_body, map_remote, map_local, block_list, throttle, via',
  ),
  anticache: flag(false, 'ask servers for whole answers: takes If-None-Match and If-Modified-Since from requests'),
  anticomp: flag(false, 'ask servers for bodies without compression'),
  stickycookie: text(undefined, 'add the cookies that servers have set to later requests that match this filter'),
  stickyauth: text(
    undefined,
    'add the Authorization that a host was sent last to later requests that match this filter',
  ),
  redact: fixed(
    list('kept from all outputs, while traffic passes as it is: header names, `$.field` of JSON, `?parameter` of URLs'),
  ),
  block_global: flag(true, 'refuse clients with public addresses'),
  block_private: flag(false, 'refuse clients with private addresses'),
  dns_name_servers: list("name servers for the tunnel's resolver, and for servers' names; default: the system's"),
  dns_use_hosts_file: flag(
    true,
    "the tunnel's resolver reads the hosts file; with dns_name_servers, servers' names are looked up there, too",
  ),
  strip_ech: flag(true, 'take from HTTPS and SVCB records in DNS answers what hides the names of connections (ech)'),
  http3: choice(
    ['block', 'pass'],
    'block',
    'block: clients take TCP instead: no h3 in Alt-Svc and DNS answers, QUIC to UDP 443 is refused; pass: QUIC passes as UDP',
  ),
  client_process: choice(
    ['auto', 'on', 'off'],
    'auto',
    'find the processes of clients on this machine (Linux); auto: where a filter has ~process or ~container',
  ),
  onboarding: flag(true, 'serve the certificate at onboarding_host'),
  onboarding_host: fixed(text('mitm.it', 'the name of the page with the certificate')),
  export_preserve_original_ip: flag(
    false,
    'curl commands of export connect to the address that the server had, whatever its name leads to later',
  ),
  flow_detail: integer(
    [0, 4],
    1,
    '0: nothing; 1: a line for each flow; 2: headers, too; 3: shortened bodies, too; 4: everything',
  ),
  content_view_lines_cutoff: integer([1, 1_000_000], 512, 'lines of a body that are shown at flow_detail 3'),
  dumper_default_contentview: text('auto', 'how bodies and messages are shown: `midwire help views`'),
  protobuf_definitions: path('file of definitions for protobuf and gRPC: a .proto file, or a descriptor set'),
  dumper_filter: text(undefined, 'show only flows that match this filter'),
  json_progress: flag(
    false,
    'with --json, lines for flows that run, too: when one begins (begun), and for its response and each message (changed)',
  ),
  json_bodies: flag(
    false,
    'with --json, what was recorded of bodies, too: `body` for text, `bodyBase64` for other bytes, without their Content-Encoding',
  ),
  pcap_file: fixed(
    path(
      'write what clients and servers send, as packets with the secrets of TLS, to a PCAPNG file for Wireshark; `+PATH` appends',
    ),
  ),
  web_host: fixed(text('127.0.0.1', 'address of the web page and the remote API')),
  web_port: fixed(integer([0, 65_535], 8081, 'port of the web page and the remote API; 0: a free one')),
  web_open_browser: fixed(flag(true, 'midwire web: open the page in a browser')),
  web_password: fixed(
    text(
      '',
      'password for the web page: a text, or the hash of one, `$argon2...`; empty: a token that is new each time',
    ),
  ),
  termlog_verbosity: choice(['error', 'warn', 'info', 'debug'], 'info', 'how much of the log is shown'),
} as const satisfies Record<string, OptionDefinition>

export type OptionName = keyof typeof OPTIONS

type ValueOf<D> = D extends { type: 'boolean' }
  ? boolean
  : D extends { type: 'integer' | 'size'; default: infer F }
    ? F extends undefined
      ? number | undefined
      : number
    : D extends { type: 'string' | 'path'; default: infer F }
      ? F extends undefined
        ? string | undefined
        : string
      : D extends { type: 'strings' | 'paths' }
        ? readonly string[]
        : D extends { type: 'regexps' }
          ? readonly RegExp[]
          : D extends { choices: readonly (infer C)[] }
            ? C
            : never

/** midwire's own options with their values, as the proxy reads them: a snapshot, which never changes. */
export type Options = { readonly [Name in OptionName]: ValueOf<(typeof OPTIONS)[Name]> }

/** The value of any option, also of one that an addon has defined. Lists are frozen. */
export type OptionValue = boolean | number | string | readonly string[] | readonly RegExp[] | undefined

/** A snapshot that includes the options that addons and scripts have defined. */
export type OptionSnapshot = Options & { readonly [name: string]: OptionValue }

/** An option's value as a program or a file gives it: of the option's own type, or as `--set` would write it. */
export type GivenValue = string | number | boolean | readonly (string | RegExp)[] | null | undefined

/** Options as a program or a file gives them: midwire's own, and those that addons and scripts define. */
export type GivenOptions = { [Name in OptionName]?: Options[Name] | GivenValue } & { [name: string]: GivenValue }
